package io.github.lora4j.examples.cli;

import io.github.lora4j.data.Dataset;
import io.github.lora4j.data.Tokenizer;
import io.github.lora4j.dataset.Datasets;
import io.github.lora4j.dataset.Row;
import io.github.lora4j.text.PromptTemplate;
import io.github.lora4j.text.SftEncoder;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Option;

/** Which rows, and how one becomes prompt and completion. */
final class DataOptions {

  /** The longest example where nothing else is said and the model can take more; TRL's default. */
  private static final int DEFAULT_MAX_LENGTH = 1024;

  @Option(
      names = "--data",
      required = true,
      paramLabel = "FILE",
      description = "Rows, as .csv or .tsv in UTF-8; the first line names the columns.")
  private Path data;

  @ArgGroup(multiplicity = "1")
  private TemplateChoice template;

  @Option(
      names = "--system",
      paramLabel = "TEXT",
      converter = EscapedText.class,
      description = "Message that is put in front of every prompt, with an empty line after it.")
  private Optional<String> system = Optional.empty();

  @Option(
      names = "--completion",
      required = true,
      paramLabel = "COLUMN",
      description = "Column with the text to learn; it is no part of the template.")
  private String completion;

  @Option(
      names = "--max-length",
      paramLabel = "N",
      description =
          "Most tokens of prompt, completion and end of sequence; longer prompts lose their"
              + " beginning. Default: 1024, or what the model has room for if that is less.")
  private Optional<Integer> maxLength = Optional.empty();

  static final class TemplateChoice {
    @Option(
        names = "--template",
        required = true,
        paramLabel = "TEXT",
        converter = EscapedText.class,
        description =
            "The prompt, with {column} for the row's values, {{ and }} for braces, \\n for a line"
                + " break, \\t for a tab and \\\\ for a backslash.")
    private Optional<String> text = Optional.empty();

    @Option(
        names = "--template-file",
        required = true,
        paramLabel = "FILE",
        description =
            "The prompt as the exact text of a file, a line break at its end included; only"
                + " {column}, {{ and }} have a meaning.")
    private Optional<Path> file = Optional.empty();

    private String resolve() {
      return text.or(() -> file.map(TextSource::read)).orElseThrow();
    }
  }

  PromptTemplate template() {
    PromptTemplate parsed = PromptTemplate.of(template.resolve());
    return system.map(parsed::withSystem).orElse(parsed);
  }

  String completion() {
    return completion;
  }

  /** The most tokens of an example, where the model has room for them. */
  int maxLength() {
    return maxLength.orElse(DEFAULT_MAX_LENGTH);
  }

  /**
   * The most tokens of an example.
   *
   * @param maxPositions the most that the model has room for
   */
  int maxLength(int maxPositions) {
    return maxLength.orElse(Math.min(DEFAULT_MAX_LENGTH, maxPositions));
  }

  Dataset<Row> rows() {
    return read(data);
  }

  static Dataset<Row> read(Path file) {
    String name = String.valueOf(file.getFileName()).toLowerCase(Locale.ROOT);
    if (name.endsWith(".csv")) {
      return Datasets.csv(file);
    }
    if (name.endsWith(".tsv")) {
      return Datasets.tsv(file);
    }
    throw new IllegalArgumentException(
        file + ": expected a name that ends in .csv or .tsv, which says how to read it");
  }

  /**
   * Makes examples of rows.
   *
   * @param maxPositions the most tokens that the model has room for
   */
  SftEncoder encoder(Tokenizer tokenizer, PromptTemplate parsed, int maxPositions) {
    return SftEncoder.of(tokenizer, parsed, completion).maxLength(maxLength(maxPositions));
  }
}
