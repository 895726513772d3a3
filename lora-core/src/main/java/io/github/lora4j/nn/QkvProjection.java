package io.github.lora4j.nn;

import io.github.lora4j.tensor.Tensor;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.function.UnaryOperator;

/** The projections of a block's input to queries, keys and values. */
public sealed interface QkvProjection extends Layer {

  /**
   * Projects.
   *
   * @param x {@code [batch, seq, hidden]}
   * @return three tensors or one, as {@link #layout} has them, in the caller's scope
   */
  List<Tensor> forward(Tensor x, ForwardContext context);

  /** How heads lie in the result. */
  QkvLayout layout();

  /** The same with each linear layer replaced by what the function makes of it. */
  QkvProjection withLinears(UnaryOperator<LinearLayer> change);

  /**
   * Three layers.
   *
   * @param q {@code [heads * headDim, hidden]}
   * @param k {@code [kvHeads * headDim, hidden]}
   * @param v {@code [kvHeads * headDim, hidden]}
   */
  record Separate(LinearLayer q, LinearLayer k, LinearLayer v) implements QkvProjection {

    @Override
    public List<Tensor> forward(Tensor x, ForwardContext context) {
      return JoiningLinear.forward(List.of(q, k, v), x, context);
    }

    @Override
    public QkvLayout layout() {
      return QkvLayout.SEPARATE;
    }

    @Override
    public Separate withLinears(UnaryOperator<LinearLayer> change) {
      return new Separate(change.apply(q), change.apply(k), change.apply(v));
    }

    @Override
    public void forEachParameter(BiConsumer<String, Tensor> visitor) {
      q.forEachParameter(visitor);
      k.forEachParameter(visitor);
      v.forEachParameter(visitor);
    }

    @Override
    public void close() {
      q.close();
      k.close();
      v.close();
    }
  }

  /**
   * One layer, as the checkpoint has it.
   *
   * @param qkv {@code [(heads + 2 * kvHeads) * headDim, hidden]}
   * @param layout how heads lie in its rows
   */
  record Fused(LinearLayer qkv, QkvLayout layout) implements QkvProjection {

    /** Checks the layout. */
    public Fused {
      if (layout == QkvLayout.SEPARATE) {
        throw new IllegalArgumentException("layout: expected one of a fused layer, found SEPARATE");
      }
    }

    @Override
    public List<Tensor> forward(Tensor x, ForwardContext context) {
      return List.of(qkv.forward(x, context));
    }

    @Override
    public Fused withLinears(UnaryOperator<LinearLayer> change) {
      return new Fused(change.apply(qkv), layout);
    }

    @Override
    public void forEachParameter(BiConsumer<String, Tensor> visitor) {
      qkv.forEachParameter(visitor);
    }

    @Override
    public void close() {
      qkv.close();
    }
  }
}
