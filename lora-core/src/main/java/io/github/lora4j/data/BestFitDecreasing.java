package io.github.lora4j.data;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Whole samples, the longest first, each into the fullest row with room: {@code _pack_bfd} of TRL.
 *
 * <p>Equal lengths keep their order, and of rows that are equally full the one that has been so for
 * the longest takes the next sample. That makes the rows TRL's own.
 */
final class BestFitDecreasing {

  private static final Logger LOG = LoggerFactory.getLogger(BestFitDecreasing.class);

  private BestFitDecreasing() {}

  static List<TokenizedExample> pack(Dataset<TokenizedExample> dataset, int maxLength) {
    warnOfCuts(dataset, maxLength);
    List<TokenizedExample> longestFirst =
        dataset.stream()
            .map(example -> cut(example, maxLength))
            .sorted(Comparator.comparingInt(TokenizedExample::length).reversed())
            .toList();
    List<Row> rows = new ArrayList<>();
    // Rows with room by the tokens that they have room for: the next key up is the best fit.
    TreeMap<Integer, Deque<Row>> open = new TreeMap<>();
    for (TokenizedExample example : longestFirst) {
      Row row = takeBestFit(open, example.length());
      if (row.samples.isEmpty()) {
        rows.add(row);
      }
      row.samples.add(example);
      row.length += example.length();
      if (row.length < maxLength) {
        open.computeIfAbsent(maxLength - row.length, room -> new ArrayDeque<>()).add(row);
      }
    }
    return rows.stream().map(Row::join).toList();
  }

  private static Row takeBestFit(TreeMap<Integer, Deque<Row>> open, int length) {
    Map.Entry<Integer, Deque<Row>> fit = open.ceilingEntry(length);
    if (fit == null) {
      return new Row();
    }
    Row row = fit.getValue().remove();
    if (fit.getValue().isEmpty()) {
      open.remove(fit.getKey());
    }
    return row;
  }

  private static void warnOfCuts(Dataset<TokenizedExample> dataset, int maxLength) {
    long cut = dataset.stream().filter(example -> example.length() > maxLength).count();
    if (cut > 0) {
      LOG.warn(
          "{} of {} samples of {} are longer than maxLength {} and lose their ends; encode them"
              + " with this maximum to choose what is cut",
          cut,
          dataset.size(),
          dataset,
          maxLength);
    }
  }

  private static TokenizedExample cut(TokenizedExample example, int maxLength) {
    if (example.length() <= maxLength) {
      return example;
    }
    return new TokenizedExample(
        Arrays.copyOf(example.inputIds(), maxLength),
        Arrays.copyOf(example.labels(), maxLength),
        Arrays.copyOf(example.positionIds(), maxLength));
  }

  private static final class Row {

    private final List<TokenizedExample> samples = new ArrayList<>();
    private int length;

    /** Positions are taken over, so that samples that were packed before stay apart. */
    TokenizedExample join() {
      int[] inputIds = new int[length];
      int[] labels = new int[length];
      int[] positionIds = new int[length];
      int start = 0;
      for (TokenizedExample sample : samples) {
        System.arraycopy(sample.inputIds(), 0, inputIds, start, sample.length());
        System.arraycopy(sample.labels(), 0, labels, start, sample.length());
        System.arraycopy(sample.positionIds(), 0, positionIds, start, sample.length());
        labels[start] = TokenizedExample.IGNORE_INDEX;
        start += sample.length();
      }
      return new TokenizedExample(inputIds, labels, positionIds);
    }
  }
}
