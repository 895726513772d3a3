package io.github.lora4j.data;

import java.util.ArrayList;
import java.util.List;

/** All samples behind one another, cut into rows: {@code _pack_wrapped} of TRL. */
final class WrappedRows {

  private final int maxLength;
  private final List<TokenizedExample> rows = new ArrayList<>();
  private int[] inputIds;
  private int[] labels;
  private int filled;
  private long left;

  /**
   * @param tokens how many will come: the last row is as long as what is left of them
   */
  private WrappedRows(int maxLength, long tokens) {
    this.maxLength = maxLength;
    left = tokens;
    inputIds = nextRow();
    labels = new int[inputIds.length];
  }

  static List<TokenizedExample> pack(Dataset<TokenizedExample> dataset, int maxLength) {
    long tokens = dataset.stream().mapToLong(TokenizedExample::length).sum();
    WrappedRows wrapped = new WrappedRows(maxLength, tokens);
    for (TokenizedExample example : dataset) {
      wrapped.add(example);
    }
    return wrapped.rows;
  }

  private int[] nextRow() {
    return new int[(int) Math.min(maxLength, left)];
  }

  private void add(TokenizedExample example) {
    int from = 0;
    while (from < example.length()) {
      int count = Math.min(example.length() - from, inputIds.length - filled);
      System.arraycopy(example.inputIds(), from, inputIds, filled, count);
      System.arraycopy(example.labels(), from, labels, filled, count);
      from += count;
      filled += count;
      if (filled == inputIds.length) {
        labels[0] = TokenizedExample.IGNORE_INDEX;
        rows.add(new TokenizedExample(inputIds, labels));
        left -= filled;
        filled = 0;
        inputIds = nextRow();
        labels = new int[inputIds.length];
      }
    }
  }
}
