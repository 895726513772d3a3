package io.github.lora4j.examples.quickstart;

import io.github.lora4j.data.Dataset;
import io.github.lora4j.data.Tokenizer;
import io.github.lora4j.dataset.Row;
import io.github.lora4j.generate.GenerationConfig;
import io.github.lora4j.generate.TokenGenerator;
import io.github.lora4j.model.NextTokenModel;
import io.github.lora4j.text.SftEncoder;
import java.util.ArrayList;
import java.util.List;

/**
 * What a model answers to the rows of a table.
 *
 * @param expected the completions of the rows
 * @param given the model's greedy answers, in the same order
 */
public record Answers(List<String> expected, List<String> given) {

  /** Tokens to allow beyond the longest expected answer, to see a model ramble. */
  private static final int TOKENS_TO_SPARE = 8;

  /** Copies the lists. */
  public Answers {
    expected = List.copyOf(expected);
    given = List.copyOf(given);
    if (expected.size() != given.size()) {
      throw new IllegalArgumentException(
          expected.size() + " rows but " + given.size() + " answers");
    }
  }

  /**
   * Lets a model answer.
   *
   * @param model borrowed
   * @param tokenizer the model's, borrowed
   * @param encoder makes the prompts
   * @param rows what to answer
   * @param batchSize how many rows at a time
   */
  public static Answers of(
      NextTokenModel model,
      Tokenizer tokenizer,
      SftEncoder encoder,
      Dataset<Row> rows,
      int batchSize) {
    int longest =
        rows.stream()
            .mapToInt(row -> tokenizer.encode(encoder.completion(row), false).length)
            .max()
            .orElse(0);
    GenerationConfig config =
        GenerationConfig.builder()
            .maxNewTokens(longest + TOKENS_TO_SPARE)
            .eosTokenIds(tokenizer.eosTokenId().orElseThrow())
            .padTokenId(tokenizer.padTokenId().orElseThrow())
            .build();
    List<String> given = new ArrayList<>();
    for (int from = 0; from < rows.size(); from += batchSize) {
      int[][] prompts =
          rows.rows().subList(from, Math.min(rows.size(), from + batchSize)).stream()
              .map(encoder::encodePrompt)
              .toArray(int[][]::new);
      for (int[] ids : TokenGenerator.generate(model, prompts, config)) {
        given.add(tokenizer.decode(ids, true));
      }
    }
    return new Answers(rows.stream().map(encoder::completion).toList(), given);
  }

  /** Whether the answer to row {@code i} is the expected one, spaces around it aside. */
  public boolean correct(int i) {
    return given.get(i).strip().equals(expected.get(i).strip());
  }

  /** The fraction of rows that are answered exactly. */
  public double exactMatch() {
    long correct = 0;
    for (int i = 0; i < expected.size(); i++) {
      correct += correct(i) ? 1 : 0;
    }
    return expected.isEmpty() ? 0 : (double) correct / expected.size();
  }
}
