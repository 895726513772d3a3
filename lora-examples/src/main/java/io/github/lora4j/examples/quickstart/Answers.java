package io.github.lora4j.examples.quickstart;

import io.github.lora4j.data.Dataset;
import io.github.lora4j.data.TokenizedExample;
import io.github.lora4j.data.Tokenizer;
import io.github.lora4j.generate.GenerationConfig;
import io.github.lora4j.generate.TokenGenerator;
import io.github.lora4j.model.NextTokenModel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * What a model answers to the rows of a table.
 *
 * @param expected the completions of the rows
 * @param given the model's greedy answers, in the same order
 */
public record Answers(List<String> expected, List<String> given) {

  /** An answer may be spelt in more tokens than the completion, and a model may ramble. */
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

  /** How many tokens an answer may have: those of the longest completion, and some to spare. */
  public static int enoughTokens(Dataset<TokenizedExample> examples) {
    return examples.stream().mapToInt(TokenizedExample::supervisedTokens).max().orElse(1)
        + TOKENS_TO_SPARE;
  }

  /**
   * Lets a model continue the prompts of examples: what stands before their first label, cut like
   * them where a row is too long for the model.
   *
   * @param model borrowed
   * @param tokenizer the model's, borrowed
   * @param examples the rows, encoded
   * @param expected their completions, in the same order
   * @param eosTokenIds what ends an answer
   * @param maxNewTokens the longest answer; shorter where the model has no room for it
   * @param batchSize how many rows at a time
   */
  public static Answers of(
      NextTokenModel model,
      Tokenizer tokenizer,
      Dataset<TokenizedExample> examples,
      List<String> expected,
      int[] eosTokenIds,
      int maxNewTokens,
      int batchSize) {
    GenerationConfig.Builder config = GenerationConfig.builder().eosTokenIds(eosTokenIds);
    List<String> given = new ArrayList<>();
    for (List<int[]> prompts :
        batches(examples, model.maxPositionEmbeddings() - maxNewTokens, batchSize)) {
      int longest = prompts.stream().mapToInt(prompt -> prompt.length).max().orElseThrow();
      int room = Math.max(1, Math.min(maxNewTokens, model.maxPositionEmbeddings() - longest));
      config.maxNewTokens(room);
      for (int[] ids :
          TokenGenerator.generate(model, prompts.toArray(int[][]::new), config.build())) {
        given.add(tokenizer.decode(ids, true));
      }
    }
    return new Answers(expected, given);
  }

  /** Prompts in batches; one that leaves too little room for an answer must not limit others. */
  private static List<List<int[]>> batches(
      Dataset<TokenizedExample> examples, int mostTokens, int batchSize) {
    List<List<int[]>> batches = new ArrayList<>();
    List<int[]> open = new ArrayList<>();
    for (TokenizedExample example : examples) {
      int[] prompt = promptOf(example);
      if (!open.isEmpty() && (open.size() == batchSize || prompt.length > mostTokens)) {
        batches.add(open);
        open = new ArrayList<>();
      }
      open.add(prompt);
      if (prompt.length > mostTokens) {
        batches.add(open);
        open = new ArrayList<>();
      }
    }
    if (!open.isEmpty()) {
      batches.add(open);
    }
    return batches;
  }

  private static int[] promptOf(TokenizedExample example) {
    int end = 0;
    while (end < example.length() && example.labels()[end] == TokenizedExample.IGNORE_INDEX) {
      end++;
    }
    return Arrays.copyOf(example.inputIds(), end);
  }

  /** Whether the answer to row {@code i} is the expected one, spaces around it aside. */
  public boolean correct(int i) {
    return given.get(i).strip().equals(expected.get(i).strip());
  }

  /** The number of rows that are answered exactly. */
  public int exactMatches() {
    return (int) IntStream.range(0, expected.size()).filter(this::correct).count();
  }

  /** The fraction of rows that are answered exactly. */
  public double exactMatch() {
    return expected.isEmpty() ? 0 : (double) exactMatches() / expected.size();
  }
}
