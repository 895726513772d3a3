package io.github.lora4j.text;

import io.github.lora4j.data.TokenizedExample;
import io.github.lora4j.data.Tokenizer;
import io.github.lora4j.dataset.Row;
import io.github.lora4j.error.DatasetException;
import java.util.Arrays;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Encodes a row as prompt and completion for supervised fine-tuning: only the completion and the
 * end of sequence behind it carry loss.
 *
 * <p>An example is exactly what generation will see and should answer: the ids of {@link
 * #encodePrompt}, then ids that continue them to the completion's text, then the end of sequence.
 * The first two never share a token. This differs from TRL, which encodes prompt and completion as
 * one text and, where that changes the prompt's last token, only warns; the loss then falls on
 * tokens that the model is never asked for.
 *
 * <p>It also differs from TRL in what is cut from a row that is too long: see {@link
 * Truncation#KEEP_COMPLETION}, the default. {@link #truncatedRows} counts such rows; the first is
 * logged as a warning.
 *
 * <p>Encoders are immutable but for that count, borrow their tokenizer, and may be used by several
 * threads at once if it may.
 */
public final class SftEncoder implements Function<Row, TokenizedExample> {

  private static final Logger log = LoggerFactory.getLogger(SftEncoder.class);

  /** TRL's default. */
  private static final int DEFAULT_MAX_LENGTH = 1024;

  private final Tokenizer tokenizer;
  private final BoundaryEncoder boundary;
  private final PromptTemplate template;
  private final String completionColumn;
  private final int eosTokenId;
  private final int maxLength;
  private final Truncation truncation;
  private final AtomicInteger truncatedRows = new AtomicInteger();

  private SftEncoder(
      Tokenizer tokenizer,
      BoundaryEncoder boundary,
      PromptTemplate template,
      String completionColumn,
      int eosTokenId,
      int maxLength,
      Truncation truncation) {
    this.tokenizer = tokenizer;
    this.boundary = boundary;
    this.template = template;
    this.completionColumn = completionColumn;
    this.eosTokenId = eosTokenId;
    this.maxLength = maxLength;
    this.truncation = truncation;
  }

  /**
   * Returns an encoder with a maximum of 1,024 tokens and {@link Truncation#KEEP_COMPLETION}.
   *
   * @param tokenizer borrowed: it must stay open as long as the encoder is used
   * @param template makes the prompt of a row
   * @param completionColumn the column that holds the text to learn
   * @throws IllegalArgumentException if the template shows the completion, or the tokenizer has no
   *     end of sequence (without one a model never learns to stop)
   */
  public static SftEncoder of(
      Tokenizer tokenizer, PromptTemplate template, String completionColumn) {
    if (template.columns().contains(completionColumn)) {
      throw new IllegalArgumentException(
          "the template shows {"
              + completionColumn
              + "}, the completion: the model would only learn to copy it; take it out");
    }
    int eos =
        tokenizer
            .eosTokenId()
            .orElseThrow(
                () ->
                    new IllegalArgumentException(
                        tokenizer
                            + " has no end-of-sequence token, so the model would never learn to"
                            + " stop: set \"eos_token\" in the folder's tokenizer_config.json"));
    return new SftEncoder(
        tokenizer,
        new BoundaryEncoder(tokenizer),
        template,
        completionColumn,
        eos,
        DEFAULT_MAX_LENGTH,
        Truncation.KEEP_COMPLETION);
  }

  /**
   * Returns an encoder with this maximum of tokens, prompt, completion and end of sequence
   * together; default 1,024. Its count of truncated rows starts at 0.
   *
   * @throws IllegalArgumentException if it is less than 2
   */
  public SftEncoder maxLength(int maxLength) {
    if (maxLength < 2) {
      throw new IllegalArgumentException("maxLength must be at least 2, found " + maxLength);
    }
    return new SftEncoder(
        tokenizer, boundary, template, completionColumn, eosTokenId, maxLength, truncation);
  }

  /**
   * Returns an encoder that treats rows over the maximum this way; default {@link
   * Truncation#KEEP_COMPLETION}. Its count of truncated rows starts at 0.
   */
  public SftEncoder truncation(Truncation truncation) {
    return new SftEncoder(
        tokenizer, boundary, template, completionColumn, eosTokenId, maxLength, truncation);
  }

  /**
   * Encodes a row.
   *
   * @throws DatasetException if the completion is empty or the row is too long to be cut; it names
   *     file, line and column
   */
  @Override
  public TokenizedExample apply(Row row) {
    String completion = completion(row);
    if (completion.isBlank()) {
      throw row.error(
          completionColumn, "expected the text to learn, found none: fill it in or drop the row");
    }
    String prompt = template.render(row);
    int[] promptIds = boundary.prompt(prompt);
    int[] completionIds =
        boundary
            .completion(prompt, promptIds, completion)
            .filter(ids -> ids.length > 0)
            .orElseThrow(
                () ->
                    row.error(
                        completionColumn,
                        "expected text that the tokenizer can put behind the prompt, found \""
                            + completion
                            + "\": end the template with a line break"));
    if (completionIds[completionIds.length - 1] != eosTokenId) {
      completionIds = BoundaryEncoder.concat(completionIds, new int[] {eosTokenId});
    }
    return fit(row, promptIds, completionIds);
  }

  private TokenizedExample fit(Row row, int[] promptIds, int[] completionIds) {
    int[] prefix = boundary.prefix();
    int total = prefix.length + promptIds.length + completionIds.length;
    if (total <= maxLength) {
      return example(BoundaryEncoder.concat(prefix, promptIds), completionIds);
    }
    int excess = total - maxLength;
    TokenizedExample cut =
        switch (truncation) {
          case KEEP_COMPLETION -> {
            if (excess > promptIds.length) {
              throw tooLong(row, total, completionIds.length + " of them in the completion");
            }
            int[] kept = Arrays.copyOfRange(promptIds, excess, promptIds.length);
            yield example(BoundaryEncoder.concat(prefix, kept), completionIds);
          }
          case KEEP_START -> {
            int kept = completionIds.length - excess;
            if (kept < 1) {
              throw tooLong(row, total, "and nothing of the completion would be left");
            }
            int[] prompt = BoundaryEncoder.concat(prefix, promptIds);
            yield example(prompt, Arrays.copyOf(completionIds, kept));
          }
          case KEEP_END -> {
            int[] prompt = BoundaryEncoder.concat(prefix, promptIds);
            int fromPrompt = Math.min(excess, prompt.length);
            yield example(
                Arrays.copyOfRange(prompt, fromPrompt, prompt.length),
                Arrays.copyOfRange(completionIds, excess - fromPrompt, completionIds.length));
          }
          case ERROR -> throw tooLong(row, total, "and truncation is ERROR");
        };
    if (truncatedRows.getAndIncrement() == 0) {
      log.warn(
          "{}, line {}: {} tokens cut to maxLength {} ({}); later rows are only counted",
          row.source(),
          row.line(),
          total,
          maxLength,
          truncation);
    }
    return cut;
  }

  private DatasetException tooLong(Row row, int total, String detail) {
    return row.error(
        completionColumn,
        String.format(
            Locale.ROOT,
            "expected at most %,d tokens with the prompt and the end of sequence, found %,d, %s:"
                + " raise maxLength, shorten the row or drop it",
            maxLength,
            total,
            detail));
  }

  private static TokenizedExample example(int[] prompt, int[] completion) {
    int[] labels = new int[prompt.length + completion.length];
    Arrays.fill(labels, 0, prompt.length, TokenizedExample.IGNORE_INDEX);
    System.arraycopy(completion, 0, labels, prompt.length, completion.length);
    return new TokenizedExample(BoundaryEncoder.concat(prompt, completion), labels);
  }

  /**
   * Returns the ids to generate from: the whole prompt, with special tokens such as the beginning
   * of sequence in front and never one behind.
   *
   * <p>An example that was not truncated begins with exactly these.
   */
  public int[] encodePrompt(Row row) {
    return BoundaryEncoder.concat(boundary.prefix(), boundary.prompt(prompt(row)));
  }

  /** Returns the text of the prompt. */
  public String prompt(Row row) {
    return template.render(row);
  }

  /** Returns the text to learn, as the file has it. */
  public String completion(Row row) {
    return row.get(completionColumn);
  }

  /** Returns how many rows this encoder has cut to the maximum so far. */
  public int truncatedRows() {
    return truncatedRows.get();
  }
}
