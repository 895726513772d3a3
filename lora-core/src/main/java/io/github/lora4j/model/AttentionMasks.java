package io.github.lora4j.model;

import io.github.lora4j.data.Batch;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.Optional;

/** Where queries must not look. */
final class AttentionMasks {

  private AttentionMasks() {}

  /**
   * No query looks at later positions, nor at padding.
   *
   * @param past positions before this pass
   * @param seq positions of this pass
   * @param padding BOOL {@code [batch, past + seq]}, true at padding; empty where there is none
   * @return BOOL {@code [batch or 1, 1, 1, seq, past + seq]}; empty where nothing is blocked
   */
  static Optional<Tensor> causal(long past, long seq, Optional<Tensor> padding, Device device) {
    if (seq == 1 && padding.isEmpty()) {
      return Optional.empty();
    }
    try (TensorScope scope = TensorScope.open()) {
      long keys = past + seq;
      Tensor queryPositions = Tensor.arange(past, keys, device).view(seq, 1);
      Tensor later = Tensor.arange(0, keys, device).gt(queryPositions).view(1, 1, 1, seq, keys);
      return Optional.of(
          scope.handOver(
              padding.isPresent()
                  ? later.logicalOr(padding.get().view(padding.get().size(0), 1, 1, 1, keys))
                  : later));
    }
  }

  /**
   * The padding of a batch.
   *
   * @param mask 1 at tokens, 0 at padding, row-major {@code [rows, length]}
   * @return BOOL {@code [rows, length]}, true at padding; empty where there is none
   */
  static Optional<Tensor> padding(int[] mask, long rows, long length, Device device) {
    boolean full = true;
    float[] isPadding = new float[mask.length];
    for (int i = 0; i < mask.length; i++) {
      isPadding[i] = 1 - mask[i];
      full &= mask[i] == 1;
    }
    if (full) {
      return Optional.empty();
    }
    try (TensorScope scope = TensorScope.open()) {
      Tensor zero = Tensor.of(new float[1], 1);
      return Optional.of(scope.handOver(Tensor.of(isPadding, rows, length).gt(zero).to(device)));
    }
  }

  /**
   * Keys of other samples that are packed into the same row.
   *
   * @return BOOL {@code [rows, 1, 1, length, length]}, true where query and key belong to different
   *     samples; empty where each row is one sample
   */
  static Optional<Tensor> otherSamples(Batch batch, Device device) {
    float[] sample = new float[batch.inputIds().length];
    int samples = 0;
    for (int i = 0; i < sample.length; i++) {
      samples += batch.startsSample(i) ? 1 : 0;
      sample[i] = samples;
    }
    if (samples == batch.size()) {
      return Optional.empty();
    }
    long rows = batch.size();
    long length = batch.length();
    try (TensorScope scope = TensorScope.open()) {
      Tensor numbers = Tensor.of(sample, rows, length).to(device);
      Tensor queries = numbers.view(rows, 1, 1, length, 1);
      Tensor keys = numbers.view(rows, 1, 1, 1, length);
      // Later samples are blocked by causality; earlier ones have smaller numbers.
      return Optional.of(scope.handOver(queries.gt(keys)));
    }
  }
}
