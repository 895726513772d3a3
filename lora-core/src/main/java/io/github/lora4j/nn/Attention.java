package io.github.lora4j.nn;

import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Functional;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.function.UnaryOperator;

/**
 * Multi-head attention with grouped queries (Ainslie et al., 2023).
 *
 * @param q {@code [heads * headDim, hidden]}
 * @param k {@code [kvHeads * headDim, hidden]}
 * @param v {@code [kvHeads * headDim, hidden]}
 * @param o {@code [hidden, heads * headDim]}
 * @param kvHeads how many key-value heads; as many as heads without grouping, one for multi-query
 *     attention
 * @param headDim features of a head
 * @param scale what scores are multiplied by, usually {@code 1 / sqrt(headDim)}
 */
public record Attention(
    LinearLayer q,
    LinearLayer k,
    LinearLayer v,
    LinearLayer o,
    int kvHeads,
    int headDim,
    double scale)
    implements Layer {

  // Finite, so that a row with nothing to look at (padding) gives some numbers rather than NaN.
  private static final double BLOCKED = -Float.MAX_VALUE;

  /**
   * What all layers of one forward pass share.
   *
   * @param rotation of the positions of this pass
   * @param visible which keys a query sees
   */
  public record Pass(RotaryEmbedding.Rotation rotation, Visible visible) {}

  /** Which keys a query sees. */
  public sealed interface Visible permits AllBut, CausalSequences {}

  /**
   * All keys of its row but some.
   *
   * @param blocked BOOL {@code [batch or 1, 1, 1, seq, keys]}, true where a query must not look;
   *     empty where it may look everywhere
   */
  public record AllBut(Optional<Tensor> blocked) implements Visible {}

  /**
   * Applies attention.
   *
   * @param x {@code [batch, seq, hidden]}
   * @param cache where earlier positions are and these are added, in generation; none with {@link
   *     CausalSequences}
   * @return the same shape as {@code x}
   */
  public Tensor forward(Tensor x, Pass pass, Optional<KvCache> cache, ForwardContext context) {
    if (pass.visible() instanceof CausalSequences sequences) {
      if (cache.isPresent()) {
        throw new IllegalArgumentException("cache: expected none with CausalSequences, found one");
      }
      return causal(x, pass.rotation(), sequences, context);
    }
    return masked(x, pass.rotation(), ((AllBut) pass.visible()).blocked(), cache, context);
  }

  private Tensor causal(
      Tensor x,
      RotaryEmbedding.Rotation rotation,
      CausalSequences sequences,
      ForwardContext context) {
    try (TensorScope scope = TensorScope.open()) {
      Tensor mixed =
          new CausalAttention(rotation, sequences, kvHeads, headDim, scale)
              .apply(q.forward(x, context), k.forward(x, context), v.forward(x, context));
      return scope.handOver(o.forward(mixed, context));
    }
  }

  private Tensor masked(
      Tensor x,
      RotaryEmbedding.Rotation rotation,
      Optional<Tensor> blocked,
      Optional<KvCache> cache,
      ForwardContext context) {
    try (TensorScope scope = TensorScope.open()) {
      long batch = x.size(0);
      long seq = x.size(1);
      Tensor queries = rotation.apply(heads(q.forward(x, context)));
      Tensor keys = rotation.apply(heads(k.forward(x, context)));
      Tensor values = heads(v.forward(x, context));
      if (cache.isPresent()) {
        KvCache.Entries all = cache.get().append(keys, values);
        keys = all.keys();
        values = all.values();
      }
      // Queries of one group are rows of one product with their shared key head: nothing is
      // repeated.
      long group = queries.size(1) / kvHeads;
      Tensor grouped = queries.reshape(batch, kvHeads, group * seq, headDim);
      Tensor scores =
          grouped
              .matmul(keys.transpose(2, 3))
              .mul(scale)
              .to(DType.F32)
              .view(batch, kvHeads, group, seq, -1);
      if (blocked.isPresent()) {
        scores = scores.maskedFill(blocked.get(), BLOCKED);
      }
      Tensor probabilities =
          Functional.softmax(scores, -1).to(values.dtype()).view(batch, kvHeads, group * seq, -1);
      Tensor mixed =
          probabilities
              .matmul(values)
              .view(batch, kvHeads * group, seq, headDim)
              .transpose(1, 2)
              .reshape(batch, seq, kvHeads * group * headDim);
      return scope.handOver(o.forward(mixed, context));
    }
  }

  private Tensor heads(Tensor projected) {
    return projected
        .view(projected.size(0), projected.size(1), projected.size(2) / headDim, headDim)
        .transpose(1, 2);
  }

  /** The same attention with each linear layer replaced by what the function makes of it. */
  public Attention withLinears(UnaryOperator<LinearLayer> change) {
    return new Attention(
        change.apply(q),
        change.apply(k),
        change.apply(v),
        change.apply(o),
        kvHeads,
        headDim,
        scale);
  }

  @Override
  public void forEachParameter(BiConsumer<String, Tensor> visitor) {
    q.forEachParameter(visitor);
    k.forEachParameter(visitor);
    v.forEachParameter(visitor);
    o.forEachParameter(visitor);
  }

  @Override
  public void close() {
    q.close();
    k.close();
    v.close();
    o.close();
  }
}
