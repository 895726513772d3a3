package io.github.lora4j.nn;

import io.github.lora4j.tensor.Rows;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.Objects;
import java.util.Optional;
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

  /** Everything so far, in the caller's scope; empty before the first position. */
  public Optional<Entries> entries() {
    Tensor allKeys = keys;
    Tensor allValues = values;
    return allKeys == null || allValues == null
        ? Optional.empty()
        : Optional.of(new Entries(allKeys.narrow(2, 0, length), allValues.narrow(2, 0, length)));
  }

  /** How many positions are held. */
  int length() {
    return length;
  }

  /** Whether there is room and a first position has come. */
  boolean isStarted() {
    return keys != null && length < capacity;
  }

  /**
   * Writes one more position of a row, on the CPU; {@link #advance} ends the step.
   *
   * @param key {@code [kvHeads, headDim]}
   * @param value the same shape
   */
  void put(int row, float[] key, float[] value) {
    Tensor allKeys = Objects.requireNonNull(keys);
    Tensor allValues = Objects.requireNonNull(values);
    int headDim = (int) allKeys.size(3);
    int heads = (int) allKeys.size(1);
    float[] one = new float[headDim];
    for (int head = 0; head < heads; head++) {
      long at = start(row, head, headDim, heads) + (long) length * headDim;
      System.arraycopy(key, head * headDim, one, 0, headDim);
      Rows.write(allKeys, at, one, headDim);
      System.arraycopy(value, head * headDim, one, 0, headDim);
      Rows.write(allValues, at, one, headDim);
    }
  }

  /** The position that all rows were given counts from now on. */
  void advance() {
    length++;
  }

  /** Reads a head's keys of some positions, {@code [count, headDim]}, on the CPU. */
  void readKeys(int row, int head, int from, int count, float[] into) {
    read(Objects.requireNonNull(keys), row, head, from, count, into);
  }

  /** Reads a head's values of some positions, {@code [count, headDim]}, on the CPU. */
  void readValues(int row, int head, int from, int count, float[] into) {
    read(Objects.requireNonNull(values), row, head, from, count, into);
  }

  private void read(Tensor all, int row, int head, int from, int count, float[] into) {
    int headDim = (int) all.size(3);
    long start = start(row, head, headDim, (int) all.size(1));
    Rows.read(all, start + (long) from * headDim, into, count * headDim);
  }

  private long start(int row, int head, int headDim, int heads) {
    return ((long) row * heads + head) * capacity * headDim;
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
