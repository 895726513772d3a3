package io.github.lora4j.model;

import io.github.lora4j.data.Batch;
import io.github.lora4j.data.TokenizedExample;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.Arrays;

/**
 * A batch with virtual tokens before the first token of each sample, where PEFT puts them; beside
 * padding on the left, that is behind it.
 *
 * <p>Virtual tokens have the ids that follow the vocabulary, so that all that is done with tokens
 * can be done with them.
 *
 * @param batch the longer batch
 * @param places where each token of the given batch stands in it, counted through all rows; empty
 *     where there are no virtual tokens
 */
record VirtualRows(Batch batch, long[] places) {

  /**
   * Inserts.
   *
   * @param count of virtual tokens
   * @param firstId of them
   */
  static VirtualRows before(Batch given, int count, int firstId) {
    if (count == 0) {
      return new VirtualRows(given, new long[0]);
    }
    int longest = 0;
    for (int row = 0; row < given.size(); row++) {
      longest = Math.max(longest, given.length() + count * samplesIn(given, row));
    }
    Writer writer = new Writer(given, longest, count, firstId);
    for (int row = 0; row < given.size(); row++) {
      writer.write(row);
    }
    return new VirtualRows(
        new Batch(
            given.size(),
            longest,
            writer.ids,
            writer.mask,
            writer.labels,
            writer.positions,
            given.sequenceLabels()),
        writer.places);
  }

  /**
   * What was computed at the tokens of the given batch.
   *
   * @param hidden {@code [batch, seq, hidden]} of this batch
   * @return {@code [batch, given.length, hidden]}
   */
  Tensor given(Tensor hidden, Batch given) {
    if (batch.length() == given.length()) {
      return hidden;
    }
    try (TensorScope scope = TensorScope.open()) {
      Tensor rows = hidden.reshape(hidden.size(0) * hidden.size(1), hidden.size(2));
      Tensor wanted = Tensor.of(places, places.length).to(hidden.device());
      return scope.handOver(
          rows.indexSelect(0, wanted).view(given.size(), given.length(), hidden.size(2)));
    }
  }

  private static int samplesIn(Batch batch, int row) {
    boolean fresh = true;
    int samples = 0;
    for (int i = row * batch.length(); i < (row + 1) * batch.length(); i++) {
      fresh |= batch.startsSample(i);
      if (fresh && batch.attentionMask()[i] == 1) {
        samples++;
        fresh = false;
      }
    }
    return samples;
  }

  private static final class Writer {
    private final Batch given;
    private final int length;
    private final int count;
    private final int firstId;
    private final int[] ids;
    private final int[] mask;
    private final int[] labels;
    private final int[] positions;
    private final long[] places;

    Writer(Batch given, int length, int count, int firstId) {
      this.given = given;
      this.length = length;
      this.count = count;
      this.firstId = firstId;
      ids = new int[given.size() * length];
      mask = new int[ids.length];
      labels = new int[ids.length];
      positions = new int[ids.length];
      places = new long[given.inputIds().length];
      Arrays.fill(labels, TokenizedExample.IGNORE_INDEX);
    }

    void write(int row) {
      int to = row * length;
      int shift = 0;
      boolean fresh = true;
      for (int i = row * given.length(); i < (row + 1) * given.length(); i++) {
        if (given.startsSample(i)) {
          fresh = true;
          shift = 0;
        }
        if (fresh && given.attentionMask()[i] == 1) {
          fresh = false;
          shift = count;
          for (int k = 0; k < count; k++) {
            ids[to] = firstId + k;
            mask[to] = 1;
            positions[to++] = given.positionIds()[i] + k;
          }
        }
        ids[to] = given.inputIds()[i];
        mask[to] = given.attentionMask()[i];
        labels[to] = given.labels()[i];
        positions[to] = given.positionIds()[i] + shift;
        places[i] = to++;
      }
      for (; to < (row + 1) * length; to++) {
        positions[to] = positions[to - 1] + 1;
      }
    }
  }
}
