package io.github.lora4j.nn;

import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.List;
import java.util.function.BiConsumer;

/**
 * Norms of queries and keys before they are turned.
 *
 * @param q of queries
 * @param k of keys
 * @param perHead whether each head is normalised by itself (Qwen3, Gemma 3) or the whole projection
 *     at once (OLMo 2)
 */
public record QkNorm(Norm q, Norm k, boolean perHead) implements Layer {

  /**
   * Normalises queries and keys, not values.
   *
   * @param projected three tensors {@code [batch, seq, features]}
   * @return the same shapes, in the caller's scope
   */
  List<Tensor> forward(List<Tensor> projected, int headDim) {
    return List.of(
        normed(q, projected.get(0), headDim),
        normed(k, projected.get(1), headDim),
        projected.get(2));
  }

  private Tensor normed(Norm norm, Tensor x, int headDim) {
    if (!perHead) {
      return norm.forward(x);
    }
    try (TensorScope scope = TensorScope.open()) {
      long[] shape = x.shape();
      Tensor heads = x.view(shape[0], shape[1], shape[2] / headDim, headDim);
      return scope.handOver(norm.forward(heads).view(shape));
    }
  }

  /** The same with each norm replaced by what the change makes of it. */
  public QkNorm withLinears(LayerChange change) {
    return new QkNorm(change.norm(q), change.norm(k), perHead);
  }

  /** The same, for a model that owns its parts. */
  public QkNorm shareWith(LayerChange change) {
    return new QkNorm(q.shareWith(change), k.shareWith(change), perHead);
  }

  @Override
  public void forEachParameter(BiConsumer<String, Tensor> visitor) {
    q.forEachParameter(visitor);
    k.forEachParameter(visitor);
  }

  @Override
  public void close() {
    q.close();
    k.close();
  }
}
