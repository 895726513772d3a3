package io.github.lora4j.model;

import io.github.lora4j.data.Batch;
import io.github.lora4j.nn.Attention;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Tensor;
import java.util.Optional;

/**
 * A batch as tensors.
 *
 * @param ids I64 {@code [batch, seq]}
 * @param positions I64 {@code [batch, seq]}
 * @param visible which keys a query sees
 */
record ModelInputs(Tensor ids, Tensor positions, Attention.Visible visible) {

  /** Puts a batch on a device, padding included; the tensors belong to the caller's scope. */
  static ModelInputs of(Batch batch, Device device) {
    long rows = batch.size();
    long length = batch.length();
    Optional<Tensor> padding = AttentionMasks.padding(batch.attentionMask(), rows, length, device);
    Optional<Tensor> causal = AttentionMasks.causal(0, length, padding, device);
    return new ModelInputs(
        ids(batch.inputIds(), rows, length, device),
        ids(batch.positionIds(), rows, length, device),
        new Attention.AllBut(
            AttentionMasks.otherSamples(batch, device)
                .map(others -> causal.map(others::logicalOr).orElse(others))
                .or(() -> causal)));
  }

  static Tensor ids(int[] ids, long rows, long length, Device device) {
    long[] wide = new long[ids.length];
    for (int i = 0; i < ids.length; i++) {
      wide[i] = ids[i];
    }
    return Tensor.of(wide, rows, length).to(device);
  }

  /** Refuses ids that the embedding has no row for: reading past it would be undefined. */
  static void requireKnown(int[] ids, int vocabSize) {
    for (int i = 0; i < ids.length; i++) {
      if (ids[i] < 0 || ids[i] >= vocabSize) {
        throw new IllegalArgumentException(
            "input_ids["
                + i
                + "]: expected a token id in [0, "
                + vocabSize
                + "), found "
                + ids[i]
                + ". Is this the model's own tokenizer?");
      }
    }
  }
}
