package io.github.lora4j.model;

import io.github.lora4j.data.Batch;
import io.github.lora4j.tensor.Tensor;
import java.util.OptionalInt;

/** The token of each sequence at which it is scored: the last that isn't padding. */
final class PooledTokens {

  private final long[] positions;

  private PooledTokens(long[] positions) {
    this.positions = positions;
  }

  /**
   * Finds them.
   *
   * <p>As in transformers, tokens equal to {@code padTokenId} count as padding wherever they stand;
   * a sequence of nothing else is scored at its first. Unlike there, what the mask has not is
   * padding too, whatever fills it.
   *
   * @throws IllegalArgumentException if there are several sequences and no padding token to tell
   *     them by, or a row holds several samples or none
   */
  static PooledTokens of(Batch batch, OptionalInt padTokenId) {
    if (padTokenId.isEmpty() && batch.size() > 1) {
      throw new IllegalArgumentException(
          "A classifier reads batches of several sequences only if it knows the padding token, as"
              + " in transformers, and config.json has no pad_token_id: set it with"
              + " LoadOptions.builder().padTokenId(…), usually to the tokenizer's.");
    }
    long[] last = new long[batch.size()];
    for (int row = 0; row < last.length; row++) {
      last[row] = lastOf(batch, row, padTokenId);
    }
    return new PooledTokens(last);
  }

  private static long lastOf(Batch batch, int row, OptionalInt padTokenId) {
    int first = -1;
    int last = -1;
    for (int i = row * batch.length(); i < (row + 1) * batch.length(); i++) {
      if (batch.attentionMask()[i] == 0) {
        continue;
      }
      if (first < 0) {
        first = i;
      } else if (batch.startsSample(i)) {
        throw new IllegalArgumentException(
            "row "
                + row
                + ": a classifier reads one sequence a row, and a second one begins at token "
                + i % batch.length()
                + "; don't pack the examples");
      }
      if (padTokenId.isEmpty() || batch.inputIds()[i] != padTokenId.getAsInt()) {
        last = i;
      }
    }
    if (first < 0) {
      throw new IllegalArgumentException(
          "attention_mask[" + row + "]: expected at least one token, found padding alone");
    }
    return last < 0 ? first : last;
  }

  /** The same tokens, counted in a row without padding. */
  PooledTokens in(TokenRow row) {
    return new PooledTokens(row.placesOf(positions));
  }

  /**
   * Picks the hidden states of these tokens.
   *
   * @param hidden {@code [batch, seq, hidden]}
   * @return {@code [sequences, hidden]}
   */
  Tensor select(Tensor hidden) {
    Tensor flat = hidden.reshape(hidden.size(0) * hidden.size(1), hidden.size(2));
    return flat.indexSelect(0, Tensor.of(positions, positions.length).to(hidden.device()));
  }
}
