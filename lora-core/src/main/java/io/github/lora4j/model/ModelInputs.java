package io.github.lora4j.model;

import io.github.lora4j.data.Batch;
import io.github.lora4j.nn.Attention;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Tensor;
import java.util.Arrays;
import java.util.Optional;

/**
 * A batch as tensors.
 *
 * @param ids I64 {@code [batch, seq]}
 * @param positions I64 {@code [batch, seq]}
 * @param visible which keys a query sees
 */
record ModelInputs(Tensor ids, Tensor positions, Attention.Visible visible) {

  /**
   * Puts a batch where a decoder is, padding included, its positions behind those of a prefix; the
   * tensors belong to the caller's scope.
   */
  static ModelInputs of(Batch batch, Decoder decoder) {
    Device device = decoder.device();
    long rows = batch.size();
    long length = batch.length();
    Optional<Tensor> padding = AttentionMasks.padding(batch.attentionMask(), rows, length, device);
    Optional<Tensor> causal = AttentionMasks.causal(0, length, padding, device);
    return new ModelInputs(
        ids(batch.inputIds(), rows, length, device),
        ids(behind(decoder.prefixLength(), batch.positionIds()), rows, length, device),
        new Attention.AllBut(
            AttentionMasks.otherSamples(batch, device)
                .map(others -> causal.map(others::logicalOr).orElse(others))
                .or(() -> causal)));
  }

  private static int[] behind(int prefix, int[] positions) {
    return prefix == 0 ? positions : Arrays.stream(positions).map(p -> p + prefix).toArray();
  }

  static Tensor ids(int[] ids, long rows, long length, Device device) {
    long[] wide = new long[ids.length];
    for (int i = 0; i < ids.length; i++) {
      wide[i] = ids[i];
    }
    return Tensor.of(wide, rows, length).to(device);
  }

  /**
   * Refuses ids and positions that tables have no row for: reading past would be undefined.
   *
   * @return the batch as this model reads it: its positions counted as the model counts them,
   *     virtual tokens before its samples
   */
  static VirtualRows known(Batch given, Decoder decoder) {
    DecoderSpec spec = decoder.spec();
    boolean skipsPadding =
        spec.embedding().positions().map(DecoderSpec.PositionSpec::skipsPadding).orElse(false);
    Batch counted = skipsPadding ? withoutLeftPaddingCounted(given) : given;
    if (decoder.prefixLength() > 0) {
      // The keys of a prefix aren't turned, so that a query's own position counts beside them.
      counted = fromFirstToken(counted);
    }
    requireKnown(counted.inputIds(), spec.vocabSize());
    VirtualRows rows = VirtualRows.before(counted, decoder.virtualTokens(), spec.vocabSize());
    requireKnownPositions(rows.batch(), spec, decoder.prefixLength());
    return rows;
  }

  private static void requireKnownPositions(Batch batch, DecoderSpec spec, int prefix) {
    int rows = spec.embedding().rowsOfPositions() - prefix;
    for (int i = 0; i < batch.positionIds().length; i++) {
      if (batch.positionIds()[i] >= rows) {
        throw new IllegalArgumentException(
            "position_ids["
                + i
                + "]: expected less than "
                + rows
                + ", the learned positions of this model, found "
                + batch.positionIds()[i]
                + ". Shorten the sequences.");
      }
    }
  }

  /** Plain columns counted from each row's first token. */
  private static Batch fromFirstToken(Batch batch) {
    int[] positions = batch.positionIds().clone();
    for (int row = 0; row < batch.size(); row++) {
      int start = row * batch.length();
      int padding = 0;
      while (padding < batch.length() && batch.attentionMask()[start + padding] == 0) {
        padding++;
      }
      for (int column = 0; column < batch.length(); column++) {
        if (positions[start + column] != column) {
          return batch;
        }
        positions[start + column] = Math.max(0, column - padding);
      }
    }
    return withPositions(batch, positions);
  }

  private static Batch withPositions(Batch batch, int[] positions) {
    return new Batch(
        batch.size(),
        batch.length(),
        batch.inputIds(),
        batch.attentionMask(),
        batch.labels(),
        positions,
        batch.sequenceLabels());
  }

  /** Positions that count tokens; as they are where the caller's aren't plain columns. */
  private static Batch withoutLeftPaddingCounted(Batch batch) {
    int[] mask = batch.attentionMask();
    int[] positions = new int[mask.length];
    int tokens = 0;
    for (int i = 0; i < mask.length; i++) {
      int column = i % batch.length();
      if (batch.positionIds()[i] != column) {
        return batch;
      }
      tokens = column == 0 ? mask[i] : tokens + mask[i];
      positions[i] = Math.max(0, tokens - 1);
    }
    return withPositions(batch, positions);
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
