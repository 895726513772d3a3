package io.github.lora4j.nn;

import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.Arrays;

/**
 * Sequences that lie one behind the other in one row, without padding between them: a position sees
 * those before it in its own sequence and nothing else.
 */
public final class CausalSequences implements Attention.Visible {

  /**
   * Queries of a chunk. Its scores are masked only where they meet the diagonal, and what lies
   * beyond it is never computed: the smaller the chunk the less is computed in vain.
   */
  static final int CHUNK = 128;

  private final int[] lengths;
  private final Tensor diagonal;

  /**
   * Describes a row; what it holds belongs to the caller's scope.
   *
   * @param lengths of the sequences, in order; each at least 1
   * @param dtype of the queries
   */
  public CausalSequences(int[] lengths, DType dtype, Device device) {
    this.lengths = lengths.clone();
    int longest = Arrays.stream(lengths).max().orElseThrow();
    this.diagonal = diagonal(Math.min(CHUNK, longest), dtype, device);
  }

  /** What is added to scores at the diagonal, {@code [chunk, 1, chunk]}. */
  private static Tensor diagonal(int size, DType dtype, Device device) {
    float[] mask = new float[size * size];
    for (int query = 0; query < size; query++) {
      Arrays.fill(mask, query * size + query + 1, (query + 1) * size, Float.NEGATIVE_INFINITY);
    }
    try (TensorScope scope = TensorScope.open()) {
      return scope.handOver(Tensor.of(mask, size, 1, size).to(dtype).to(device));
    }
  }

  int[] lengths() {
    return lengths;
  }

  /** Whether all sequences are equally long, so that they can be computed as a batch. */
  boolean isUniform() {
    return Arrays.stream(lengths).allMatch(length -> length == lengths[0]);
  }

  /** The mask of a chunk's diagonal block, {@code [size, 1, size]}: a view. */
  Tensor diagonal(int size) {
    return diagonal.narrow(0, 0, size).narrow(2, 0, size);
  }
}
