package io.github.lora4j.peft;

import io.github.lora4j.data.Batch;
import io.github.lora4j.data.TokenizedExample;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * The positions of a batch whose inputs EVA looks at.
 *
 * @param places of tokens in the batch's arrays
 */
record ChosenPositions(Batch batch, int[] places) {

  /** Tokens, and of these, if asked for, only those with a label. */
  static ChosenPositions of(Batch batch, EvaConfig config) {
    boolean labelled = config.useLabelMask() && batch.sequenceLabels().isEmpty();
    return new ChosenPositions(
        batch,
        IntStream.range(0, batch.inputIds().length)
            .filter(i -> batch.attentionMask()[i] == 1)
            .filter(i -> !labelled || batch.labels()[i] != config.labelMaskValue())
            .toArray());
  }

  boolean isEmpty() {
    return places.length == 0;
  }

  /**
   * The chosen rows of a layer's input, in the caller's scope.
   *
   * @param x {@code [..., in]}, all positions or, as models leave padding out, all tokens; what has
   *     other rows, as the head's input, is taken whole: those are the labelled ones
   * @return {@code [n, in]}
   */
  Tensor of(Tensor x) {
    try (TensorScope scope = TensorScope.open()) {
      Tensor flat = x.reshape(-1, x.size(-1));
      int[] mask = batch.attentionMask();
      if (flat.size(0) == mask.length) {
        return scope.handOver(rows(flat, places));
      }
      int[] tokens = IntStream.range(0, mask.length).filter(i -> mask[i] == 1).toArray();
      if (flat.size(0) != tokens.length) {
        return scope.handOver(flat);
      }
      int[] amongTokens =
          Arrays.stream(places).map(place -> Arrays.binarySearch(tokens, place)).toArray();
      return scope.handOver(rows(flat, amongTokens));
    }
  }

  private static Tensor rows(Tensor flat, int[] indices) {
    return flat.indexSelect(0, Tensor.of(indices, indices.length).to(flat.device()));
  }

  /** The batch with labels at the chosen positions: a loss of it runs through the whole model. */
  Batch labelled() {
    if (batch.sequenceLabels().isPresent()) {
      return batch;
    }
    int[] labels = new int[batch.inputIds().length];
    Arrays.fill(labels, TokenizedExample.IGNORE_INDEX);
    for (int place : places) {
      labels[place] = batch.inputIds()[place];
    }
    return new Batch(
        batch.size(),
        batch.length(),
        batch.inputIds(),
        batch.attentionMask(),
        labels,
        batch.positionIds());
  }
}
