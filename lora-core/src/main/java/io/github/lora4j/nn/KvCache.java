package io.github.lora4j.nn;

import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import org.jspecify.annotations.Nullable;

/**
 * The keys and values of one attention layer for the positions seen so far, in a buffer of fixed
 * capacity.
 */
public final class KvCache implements AutoCloseable {

  private final int capacity;
  private @Nullable Tensor keys;
  private @Nullable Tensor values;
  private int length;

  /**
   * Makes an empty cache for at most {@code capacity} positions; memory is taken when the first
   * ones come.
   */
  public KvCache(int capacity) {
    if (capacity <= 0) {
      throw new IllegalArgumentException("capacity: expected more than 0, found " + capacity);
    }
    this.capacity = capacity;
  }

  /**
   * Keys and values of all positions so far, {@code [batch, kvHeads, length, headDim]}: views of
   * the cache.
   */
  public record Entries(Tensor keys, Tensor values) {}

  /**
   * Appends new positions.
   *
   * @param newKeys {@code [batch, kvHeads, seq, headDim]}
   * @param newValues the same shape
   * @return everything so far, in the caller's scope
   */
  public Entries append(Tensor newKeys, Tensor newValues) {
    int seq = (int) newKeys.size(2);
    if (length + seq > capacity) {
      throw new IllegalStateException(
          "The key-value cache holds "
              + capacity
              + " positions and was given "
              + (length + seq)
              + ".");
    }
    Tensor allKeys = keys != null ? keys : (keys = buffer(newKeys));
    Tensor allValues = values != null ? values : (values = buffer(newValues));
    try (TensorScope scope = TensorScope.open()) {
      allKeys.narrow(2, length, seq).copyInPlace(newKeys);
      allValues.narrow(2, length, seq).copyInPlace(newValues);
    }
    length += seq;
    return new Entries(allKeys.narrow(2, 0, length), allValues.narrow(2, 0, length));
  }

  private Tensor buffer(Tensor like) {
    return TensorScope.keep(
        Tensor.empty(
            like.dtype(), like.device(), like.size(0), like.size(1), capacity, like.size(3)));
  }

  @Override
  public void close() {
    if (keys != null) {
      keys.close();
    }
    if (values != null) {
      values.close();
    }
  }
}
