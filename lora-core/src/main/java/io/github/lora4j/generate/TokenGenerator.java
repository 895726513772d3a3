package io.github.lora4j.generate;

import io.github.lora4j.model.NextTokenModel;
import java.util.List;

/** Generation on token ids, for callers without a tokenizer; see {@link TextGenerator} for text. */
public final class TokenGenerator {

  private TokenGenerator() {}

  /**
   * Continues each prompt until an end-of-sequence token or {@code maxNewTokens}.
   *
   * <p>Which tokens end a sequence must stand in {@link GenerationConfig#eosTokenIds()}; without
   * any, every row gets {@code maxNewTokens} tokens. When sampling, a row's draws depend on the
   * seed, its prompt and how many equal prompts stand before it, not on the other rows. They follow
   * the same distributions as transformers', but torch's generator gives other numbers.
   *
   * @param model borrowed
   * @param prompts token ids, one array per row; lengths may differ; at least one token each
   * @return for each prompt, in order, the new tokens alone, with the end-of-sequence token that
   *     ended them, if one did, and never with padding
   * @throws IllegalArgumentException if a prompt is empty, if prompt and {@code maxNewTokens}
   *     exceed what the model has room for, or if the settings hold stop strings
   * @throws io.github.lora4j.error.LoraException if the model's logits are not numbers
   */
  public static List<int[]> generate(
      NextTokenModel model, int[][] prompts, GenerationConfig config) {
    if (!config.stopStrings().isEmpty()) {
      throw new IllegalArgumentException(
          "stopStrings are found in text, and TokenGenerator has none: use TextGenerator, or"
              + " leave them out");
    }
    int[] eosTokenIds = config.eosTokenIds().stream().mapToInt(Integer::intValue).toArray();
    int padTokenId = config.padTokenId().orElse(eosTokenIds.length > 0 ? eosTokenIds[0] : 0);
    return new GenerationLoop(model, config, eosTokenIds, padTokenId)
        .run(prompts, (row, tokenId) -> false).stream()
            .map(GenerationLoop.Sequence::tokenIds)
            .toList();
  }
}
