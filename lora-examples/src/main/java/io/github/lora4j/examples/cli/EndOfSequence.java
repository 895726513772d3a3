package io.github.lora4j.examples.cli;

import io.github.lora4j.data.Tokenizer;
import io.github.lora4j.generate.GenerationConfig;
import java.nio.file.Path;
import java.util.stream.IntStream;

/** Where a text ends. */
final class EndOfSequence {

  private EndOfSequence() {}

  /**
   * The tokens that the model's folder names, and the tokenizer's, which is the one that
   * fine-tuning teaches.
   */
  static int[] tokenIds(Path modelDir, Tokenizer tokenizer) {
    return IntStream.concat(
            GenerationConfig.load(modelDir).eosTokenIds().stream().mapToInt(Integer::intValue),
            tokenizer.eosTokenId().stream())
        .distinct()
        .toArray();
  }
}
