package io.github.lora4j.model;

import io.github.lora4j.data.Batch;
import io.github.lora4j.nn.CausalSequences;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Tensor;
import java.util.Arrays;

/**
 * The tokens of a batch without its padding, sample behind sample in one row: what is computed in
 * training, since nothing is learnt from padding.
 */
final class TokenRow {

  private final Batch batch;
  private final int[] kept; // where each token of the row stands in the batch
  private final int[] placeInRow; // the way back, -1 for padding
  private final int[] sampleLengths;

  private TokenRow(Batch batch, int[] kept, int[] placeInRow, int[] sampleLengths) {
    this.batch = batch;
    this.kept = kept;
    this.placeInRow = placeInRow;
    this.sampleLengths = sampleLengths;
  }

  static TokenRow of(Batch batch) {
    int[] mask = batch.attentionMask();
    int[] kept = new int[mask.length];
    int[] placeInRow = new int[mask.length];
    int[] lengths = new int[mask.length];
    int tokens = 0;
    int samples = 0;
    boolean fresh = true; // whether the next token kept is the first of its sample
    for (int i = 0; i < mask.length; i++) {
      fresh |= batch.startsSample(i);
      placeInRow[i] = -1;
      if (mask[i] == 1) {
        samples += fresh ? 1 : 0;
        fresh = false;
        lengths[samples - 1]++;
        placeInRow[i] = tokens;
        kept[tokens++] = i;
      }
    }
    return new TokenRow(
        batch, Arrays.copyOf(kept, tokens), placeInRow, Arrays.copyOf(lengths, samples));
  }

  /** Whether all of these positions of the batch are tokens. */
  boolean holds(long[] positions) {
    return Arrays.stream(positions).allMatch(position -> placeInRow[(int) position] >= 0);
  }

  /** Where positions of the batch stand in the row. */
  long[] placesOf(long[] positions) {
    return Arrays.stream(positions).map(position -> placeInRow[(int) position]).toArray();
  }

  /** The row as tensors of the caller's scope. */
  ModelInputs inputs(DType dtype, Device device) {
    return new ModelInputs(
        pick(batch.inputIds(), device),
        pick(batch.positionIds(), device),
        new CausalSequences(sampleLengths, dtype, device));
  }

  private Tensor pick(int[] numbers, Device device) {
    long[] picked = Arrays.stream(kept).mapToLong(i -> numbers[i]).toArray();
    return Tensor.of(picked, 1, picked.length).to(device);
  }
}
