package io.github.lora4j.text;

import io.github.lora4j.data.LabelMap;
import io.github.lora4j.data.SequenceLabels;
import io.github.lora4j.data.TokenizedExample;
import io.github.lora4j.data.Tokenizer;
import io.github.lora4j.dataset.Row;
import io.github.lora4j.error.DatasetException;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Encodes a row as a text and the label of that text, for a sequence classifier.
 *
 * <p>The text gets the special tokens that the tokenizer puts around any text, as in transformers'
 * examples. A text that is too long loses its end, behind which special tokens stay. {@link
 * #truncatedRows} counts such rows; the first is logged as a warning.
 *
 * <p>Encoders are immutable but for that count, borrow their tokenizer, and may be used by several
 * threads at once if it may.
 */
public final class ClassificationEncoder implements Function<Row, TokenizedExample> {

  private static final Logger log = LoggerFactory.getLogger(ClassificationEncoder.class);

  private static final int DEFAULT_MAX_LENGTH = 1024;

  private final Tokenizer tokenizer;
  private final PromptTemplate template;
  private final Function<Row, SequenceLabels> label;
  private final int maxLength;
  private final AtomicInteger truncatedRows = new AtomicInteger();

  private ClassificationEncoder(
      Tokenizer tokenizer,
      PromptTemplate template,
      Function<Row, SequenceLabels> label,
      int maxLength) {
    this.tokenizer = tokenizer;
    this.template = template;
    this.label = label;
    this.maxLength = maxLength;
  }

  /**
   * Returns an encoder of texts of one class each, with a maximum of 1,024 tokens.
   *
   * @param tokenizer borrowed: it must stay open as long as the encoder is used
   * @param template makes the text of a row, such as {@code PromptTemplate.of("{text}")}
   * @param labelColumn the column that holds the name of the class
   * @param labels the classes
   * @throws IllegalArgumentException if the template shows the label
   */
  public static ClassificationEncoder of(
      Tokenizer tokenizer, PromptTemplate template, String labelColumn, LabelMap labels) {
    requireHidden(template, labelColumn);
    return new ClassificationEncoder(
        tokenizer,
        template,
        row -> SequenceLabels.ofClass(id(row, labelColumn, row.get(labelColumn).strip(), labels)),
        DEFAULT_MAX_LENGTH);
  }

  /**
   * Returns an encoder of texts that may belong to several classes or none.
   *
   * @param tokenizer borrowed: it must stay open as long as the encoder is used
   * @param template makes the text of a row
   * @param labelColumn the column that holds the names of its classes; empty for none
   * @param separator what stands between two names, such as {@code ","}
   * @param labels the classes
   * @throws IllegalArgumentException if the template shows the label, or the separator is empty
   */
  public static ClassificationEncoder multiLabel(
      Tokenizer tokenizer,
      PromptTemplate template,
      String labelColumn,
      String separator,
      LabelMap labels) {
    requireHidden(template, labelColumn);
    if (separator.isEmpty()) {
      throw new IllegalArgumentException("separator is empty: names could not be told apart");
    }
    Pattern between = Pattern.compile(separator, Pattern.LITERAL);
    return new ClassificationEncoder(
        tokenizer,
        template,
        row -> {
          List<String> names =
              between
                  .splitAsStream(row.get(labelColumn))
                  .map(String::strip)
                  .filter(name -> !name.isEmpty())
                  .toList();
          names.forEach(name -> id(row, labelColumn, name, labels));
          return labels.multiHot(names);
        },
        DEFAULT_MAX_LENGTH);
  }

  /**
   * Returns an encoder of texts with numbers to predict.
   *
   * @param tokenizer borrowed: it must stay open as long as the encoder is used
   * @param template makes the text of a row
   * @param numberColumns the columns that hold a number each, in the order of the model's scores
   * @throws IllegalArgumentException if the template shows a number, or there are no columns
   */
  public static ClassificationEncoder regression(
      Tokenizer tokenizer, PromptTemplate template, String... numberColumns) {
    String[] columns = numberColumns.clone();
    if (columns.length == 0) {
      throw new IllegalArgumentException("numberColumns is empty: nothing could be learnt");
    }
    Arrays.stream(columns).forEach(column -> requireHidden(template, column));
    return new ClassificationEncoder(
        tokenizer,
        template,
        row -> {
          float[] numbers = new float[columns.length];
          for (int i = 0; i < columns.length; i++) {
            numbers[i] = number(row, columns[i]);
          }
          return SequenceLabels.ofValues(numbers);
        },
        DEFAULT_MAX_LENGTH);
  }

  private static void requireHidden(PromptTemplate template, String column) {
    if (template.columns().contains(column)) {
      throw new IllegalArgumentException(
          "the template shows {"
              + column
              + "}, the label: the model would only learn to read it; take it out");
    }
  }

  private static int id(Row row, String column, String name, LabelMap labels) {
    try {
      return labels.id(name);
    } catch (IllegalArgumentException e) {
      throw row.error(column, e.getMessage());
    }
  }

  private static float number(Row row, String column) {
    String text = row.get(column).strip();
    try {
      float number = Float.parseFloat(text);
      if (Float.isFinite(number)) {
        return number;
      }
    } catch (NumberFormatException e) {
      // Said below, together with numbers that are not finite.
    }
    throw row.error(column, "expected a finite number such as 0.5, found \"" + text + "\"");
  }

  /**
   * Returns an encoder with this maximum of tokens, special ones included; default 1,024. Its count
   * of truncated rows starts at 0.
   *
   * @throws IllegalArgumentException if it is less than 1
   */
  public ClassificationEncoder maxLength(int maxLength) {
    if (maxLength < 1) {
      throw new IllegalArgumentException("maxLength must be at least 1, found " + maxLength);
    }
    return new ClassificationEncoder(tokenizer, template, label, maxLength);
  }

  /**
   * Encodes a row.
   *
   * @throws DatasetException if the text is empty or the label isn't what was announced; it names
   *     file, line and column
   */
  @Override
  public TokenizedExample apply(Row row) {
    return TokenizedExample.labelled(encodeText(row), label.apply(row));
  }

  /**
   * Returns the ids of a row's text alone, cut like those of an example; its label isn't looked at.
   *
   * @throws DatasetException if the text is empty
   */
  public int[] encodeText(Row row) {
    String text = template.render(row);
    if (text.isBlank()) {
      throw new DatasetException(
          row.source() + ", line " + row.line() + ": expected a text to classify, found none");
    }
    int[] ids = tokenizer.encode(text, true);
    if (ids.length == 0) {
      throw new DatasetException(
          row.source()
              + ", line "
              + row.line()
              + ": the tokenizer makes nothing of the text \""
              + text
              + "\"");
    }
    return ids.length <= maxLength ? ids : cut(row, text, ids);
  }

  private int[] cut(Row row, String text, int[] ids) {
    if (truncatedRows.getAndIncrement() == 0) {
      log.warn(
          "{}, line {}: {} tokens cut to maxLength {}; later rows are only counted",
          row.source(),
          row.line(),
          ids.length,
          maxLength);
    }
    int behind = Math.min(specialTokensBehind(ids, tokenizer.encode(text, false)), maxLength);
    int[] kept = Arrays.copyOf(ids, maxLength);
    System.arraycopy(ids, ids.length - behind, kept, maxLength - behind, behind);
    return kept;
  }

  /** How many tokens stand behind the text's own. */
  private static int specialTokensBehind(int[] ids, int[] own) {
    for (int from = 0; own.length > 0 && from + own.length <= ids.length; from++) {
      if (Arrays.equals(ids, from, from + own.length, own, 0, own.length)) {
        return ids.length - own.length - from;
      }
    }
    return 0;
  }

  /** Returns how many rows this encoder has cut to the maximum so far. */
  public int truncatedRows() {
    return truncatedRows.get();
  }
}
