package io.github.lora4j.generate;

/**
 * Turns a model's logits into the scores that a token is chosen by, in place, in transformers'
 * order and float32 arithmetic; tokens that are ruled out get negative infinity.
 */
final class LogitProcessor {

  private final GenerationConfig config;
  private final int[] eosTokenIds;

  LogitProcessor(GenerationConfig config, int[] eosTokenIds) {
    this.config = config;
    this.eosTokenIds = eosTokenIds;
  }

  /**
   * Processes the scores of one row.
   *
   * @param scores {@code [vocab]} logits, overwritten
   * @param seen the tokens of the row's prompt and of what it produced; no padding
   * @param newTokens how many tokens the row has produced
   */
  void process(float[] scores, SeenTokens seen, int newTokens) {
    if (config.repetitionPenalty() != 1) {
      penalizeRepetition(scores, seen, (float) config.repetitionPenalty());
    }
    if (newTokens < config.minNewTokens()) {
      for (int id : eosTokenIds) {
        if (id < scores.length) {
          scores[id] = Float.NEGATIVE_INFINITY;
        }
      }
    }
    if (!config.doSample()) {
      return;
    }
    if (config.temperature() != 1) {
      float temperature = (float) config.temperature();
      for (int i = 0; i < scores.length; i++) {
        scores[i] /= temperature;
      }
    }
    if (config.topK() > 0) {
      UnlikelyTokens.topK(scores, config.topK());
    }
    if (config.topP() < 1) {
      UnlikelyTokens.topP(scores, config.topP());
    }
    if (config.minP().isPresent()) {
      UnlikelyTokens.minP(scores, config.minP().getAsDouble());
    }
  }

  private static void penalizeRepetition(float[] scores, SeenTokens seen, float penalty) {
    for (int i = 0; i < seen.count(); i++) {
      int id = seen.get(i);
      if (id < scores.length) { // an embedding may have more rows than the head
        scores[id] = scores[id] < 0 ? scores[id] * penalty : scores[id] / penalty;
      }
    }
  }
}
