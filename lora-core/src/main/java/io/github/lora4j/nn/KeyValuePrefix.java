package io.github.lora4j.nn;

import io.github.lora4j.tensor.Tensor;
import java.util.function.BiConsumer;

/**
 * Keys and values that every query of a layer sees beside those of its sequence: what prefix tuning
 * learns (Li and Liang, 2021). Keys aren't turned by position.
 */
public interface KeyValuePrefix extends Layer {

  /** How many positions they take. */
  int count();

  /**
   * Keys and values of a layer, as they are now.
   *
   * @param layer its index in the stack
   * @return {@code [kvHeads, count, headDim]} of any dtype, the caller's scope's or this layer's
   */
  KvCache.Entries entries(int layer, ForwardContext context);

  /**
   * The part of one layer.
   *
   * @param whole of all layers, borrowed
   * @param layer the layer's index in the stack
   */
  record OfLayer(KeyValuePrefix whole, int layer) {

    /** How many positions it takes. */
    public int count() {
      return whole.count();
    }

    /**
     * The entries for a batch.
     *
     * @param like keys {@code [batch, kvHeads, seq, headDim]} of the dtype wanted
     * @return {@code [batch, kvHeads, count, headDim]}, in the caller's scope
     */
    public KvCache.Entries entries(Tensor like, ForwardContext context) {
      KvCache.Entries own = whole.entries(layer, context);
      return new KvCache.Entries(spread(own.keys(), like), spread(own.values(), like));
    }

    private Tensor spread(Tensor entries, Tensor like) {
      return entries
          .to(like.dtype())
          .unsqueeze(0)
          .expand(like.size(0), like.size(1), count(), like.size(3));
    }

    void forEachParameter(BiConsumer<String, Tensor> visitor) {
      whole.forEachParameter(visitor);
    }
  }
}
