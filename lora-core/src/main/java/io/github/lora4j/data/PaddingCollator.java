package io.github.lora4j.data;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * Pads examples on the right to the longest of them.
 *
 * <p>Padding is recognised by the attention mask, 0, and by its label, {@link
 * TokenizedExample#IGNORE_INDEX}, never by the id that fills it. So the padding token may be the
 * end-of-sequence token, and a real end of sequence still carries its loss. Positions are those of
 * the examples; behind them they go on counting up. Labels of whole sequences come along.
 */
public final class PaddingCollator implements DataCollator {

  private final int padTokenId;
  private final int multiple;

  private PaddingCollator(int padTokenId, int multiple) {
    this.padTokenId = padTokenId;
    this.multiple = multiple;
  }

  /**
   * Returns a collator that fills with this id and pads to the longest example of a batch.
   *
   * @throws IllegalArgumentException if the id is negative
   */
  public static PaddingCollator of(int padTokenId) {
    if (padTokenId < 0) {
      throw new IllegalArgumentException("padTokenId must be at least 0, found " + padTokenId);
    }
    return new PaddingCollator(padTokenId, 1);
  }

  /**
   * Returns a collator that fills with the tokenizer's padding token; with id 0, which the mask
   * makes as good as any, where it has none.
   */
  public static PaddingCollator of(Tokenizer tokenizer) {
    return of(tokenizer.padTokenId().orElse(0));
  }

  /**
   * Returns a collator that pads further, to the next multiple of this length (default 1).
   *
   * @throws IllegalArgumentException if the multiple is less than 1
   */
  public PaddingCollator padToMultipleOf(int multiple) {
    if (multiple < 1) {
      throw new IllegalArgumentException("padToMultipleOf must be at least 1, found " + multiple);
    }
    return new PaddingCollator(padTokenId, multiple);
  }

  @Override
  public Batch collate(List<TokenizedExample> examples) {
    if (examples.isEmpty()) {
      throw new IllegalArgumentException("no examples: a batch needs at least one");
    }
    int longest = examples.stream().mapToInt(TokenizedExample::length).max().orElseThrow();
    int length = Math.multiplyExact(Math.floorDiv(longest - 1, multiple) + 1, multiple);
    int size = examples.size();
    int[] inputIds = new int[Math.multiplyExact(size, length)];
    int[] attentionMask = new int[inputIds.length];
    int[] labels = new int[inputIds.length];
    int[] positionIds = new int[inputIds.length];
    Arrays.fill(inputIds, padTokenId);
    Arrays.fill(labels, TokenizedExample.IGNORE_INDEX);
    for (int row = 0; row < size; row++) {
      TokenizedExample example = examples.get(row);
      int start = row * length;
      System.arraycopy(example.inputIds(), 0, inputIds, start, example.length());
      System.arraycopy(example.labels(), 0, labels, start, example.length());
      System.arraycopy(example.positionIds(), 0, positionIds, start, example.length());
      Arrays.fill(attentionMask, start, start + example.length(), 1);
      for (int i = start + example.length(); i < start + length; i++) {
        positionIds[i] = positionIds[i - 1] + 1;
      }
    }
    return new Batch(
        size, length, inputIds, attentionMask, labels, positionIds, sequenceLabels(examples));
  }

  private static Optional<SequenceLabels> sequenceLabels(List<TokenizedExample> examples) {
    List<SequenceLabels> found =
        examples.stream().flatMap(example -> example.sequenceLabels().stream()).toList();
    if (found.isEmpty()) {
      return Optional.empty();
    }
    if (found.size() < examples.size()) {
      throw new IllegalArgumentException(
          "%d of %d examples have a label of the whole sequence, the others don't: one batch holds one kind"
              .formatted(found.size(), examples.size()));
    }
    return Optional.of(SequenceLabels.join(found));
  }
}
