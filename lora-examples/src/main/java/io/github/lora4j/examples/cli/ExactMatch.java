package io.github.lora4j.examples.cli;

import io.github.lora4j.data.Dataset;
import io.github.lora4j.data.TokenizedExample;
import io.github.lora4j.data.Tokenizer;
import io.github.lora4j.dataset.Row;
import io.github.lora4j.generate.GenerationConfig;
import io.github.lora4j.generate.TokenGenerator;
import io.github.lora4j.model.NextTokenModel;
import io.github.lora4j.text.SftEncoder;
import java.util.List;

/** Counts the rows whose greedy answer is the completion, white space around both aside. */
final class ExactMatch {

  /** An answer may be spelt in a few more tokens than the completion. */
  private static final int SLACK = 8;

  private final NextTokenModel model;
  private final Tokenizer tokenizer;
  private final SftEncoder encoder;
  private final int[] eosTokenIds;

  ExactMatch(NextTokenModel model, Tokenizer tokenizer, SftEncoder encoder, int[] eosTokenIds) {
    this.model = model;
    this.tokenizer = tokenizer;
    this.encoder = encoder;
    this.eosTokenIds = eosTokenIds;
  }

  /** How long an answer can be without being cut off too early: the longest completion, nearly. */
  static int enoughTokens(Dataset<TokenizedExample> examples) {
    return examples.stream().mapToInt(TokenizedExample::supervisedTokens).max().orElse(1) + SLACK;
  }

  int count(Dataset<Row> rows, int batchSize, int maxNewTokens) {
    GenerationConfig config =
        GenerationConfig.builder().maxNewTokens(maxNewTokens).eosTokenIds(eosTokenIds).build();
    int matches = 0;
    for (int from = 0; from < rows.size(); from += batchSize) {
      List<Row> batch = rows.rows().subList(from, Math.min(rows.size(), from + batchSize));
      int[][] prompts = batch.stream().map(encoder::encodePrompt).toArray(int[][]::new);
      List<int[]> answers = TokenGenerator.generate(model, prompts, config);
      for (int i = 0; i < batch.size(); i++) {
        String answer = tokenizer.decode(answers.get(i), true).strip();
        if (answer.equals(encoder.completion(batch.get(i)).strip())) {
          matches++;
        }
      }
    }
    return matches;
  }
}
