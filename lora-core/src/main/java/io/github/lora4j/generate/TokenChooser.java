package io.github.lora4j.generate;

import io.github.lora4j.error.LoraException;

/** Chooses the next token of one row: the likeliest, or one drawn at random. */
final class TokenChooser {

  private final LogitProcessor processor;
  private final boolean doSample;
  private final SeenTokens seen;
  private final RowRandom random;
  private int newTokens;

  TokenChooser(GenerationConfig config, LogitProcessor processor, int[] prompt, RowRandom random) {
    this.processor = processor;
    this.doSample = config.doSample();
    this.seen = new SeenTokens(prompt);
    this.random = random;
  }

  /**
   * Returns the row's next token and takes note of it.
   *
   * @param logits {@code [vocab]}, overwritten
   * @throws LoraException if the logits are not numbers to choose by
   */
  int next(float[] logits) {
    requireNumbers(logits);
    processor.process(logits, seen, newTokens);
    requireChoice(logits);
    int id = doSample ? draw(logits, random.nextDouble()) : likeliest(logits);
    seen.add(id);
    newTokens++;
    return id;
  }

  /** The first of the highest scores. */
  private static int likeliest(float[] scores) {
    int best = 0;
    for (int i = 1; i < scores.length; i++) {
      if (scores[i] > scores[best]) {
        best = i;
      }
    }
    return best;
  }

  /**
   * The token at which the softmax probabilities, added up by id, pass a number.
   *
   * @param uniform from [0, 1)
   */
  static int draw(float[] scores, double uniform) {
    double highest = UnlikelyTokens.max(scores);
    double total = 0;
    for (float score : scores) {
      total += UnlikelyTokens.exponential(score - highest);
    }
    double target = uniform * total;
    double sum = 0;
    int chosen = 0;
    for (int i = 0; i < scores.length; i++) {
      double weight = UnlikelyTokens.exponential(scores[i] - highest);
      if (weight > 0) {
        chosen = i;
        sum += weight;
        if (sum > target) {
          break;
        }
      }
    }
    return chosen;
  }

  private void requireNumbers(float[] logits) {
    for (int i = 0; i < logits.length; i++) {
      float logit = logits[i];
      if (!(logit < Float.POSITIVE_INFINITY)) { // not a number either
        throw new LoraException(
            "the model's logit of token "
                + i
                + " is "
                + logit
                + " at new token "
                + newTokens
                + ": its weights are damaged, or its numbers too large for the dtype (load it in"
                + " bf16 or f32 rather than f16)");
      }
    }
  }

  private void requireChoice(float[] scores) {
    float highest = UnlikelyTokens.max(scores);
    if (highest == Float.NEGATIVE_INFINITY) {
      throw new LoraException(
          "no token is left to choose at new token "
              + newTokens
              + ": all "
              + scores.length
              + " scores are negative infinity");
    }
    if (highest == Float.POSITIVE_INFINITY) {
      throw new LoraException(
          "the scores overflow at new token "
              + newTokens
              + ": temperature or repetitionPenalty is too close to 0");
    }
  }
}
