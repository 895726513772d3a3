package io.github.lora4j.generate;

import java.util.Arrays;
import java.util.Objects;

/**
 * What was generated for one prompt.
 *
 * @param text the new text alone, without the prompt, the end-of-sequence token, the stop string
 *     and special tokens
 * @param tokenIds every new token as the model produced it, so with the end-of-sequence token or
 *     the tokens of the stop string where they ended the sequence; copied in and out
 * @param finishReason why it ended there
 * @param promptTokens how many tokens the prompt had
 */
public record GenerationResult(
    String text, int[] tokenIds, FinishReason finishReason, int promptTokens) {

  /** Copies the token ids. */
  public GenerationResult {
    Objects.requireNonNull(text, "text");
    Objects.requireNonNull(finishReason, "finishReason");
    tokenIds = tokenIds.clone();
    if (promptTokens < 0) {
      throw new IllegalArgumentException(
          "promptTokens must not be negative, but is " + promptTokens);
    }
  }

  @Override
  public int[] tokenIds() {
    return tokenIds.clone();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof GenerationResult that
        && text.equals(that.text)
        && Arrays.equals(tokenIds, that.tokenIds)
        && finishReason == that.finishReason
        && promptTokens == that.promptTokens;
  }

  @Override
  public int hashCode() {
    return Objects.hash(text, Arrays.hashCode(tokenIds), finishReason, promptTokens);
  }

  @Override
  public String toString() {
    return "GenerationResult[text="
        + text
        + ", tokenIds="
        + Arrays.toString(tokenIds)
        + ", finishReason="
        + finishReason
        + ", promptTokens="
        + promptTokens
        + "]";
  }
}
