package io.github.lora4j.peft;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Tokens whose vectors are trained while the rest of the table stays: PEFT's {@code
 * trainable_token_indices}.
 *
 * @param ofInputs tokens of the table that the model reads
 * @param byModule tokens of tables by the ends of their names, such as {@code embed_tokens}; PEFT's
 *     dictionary, given instead of the list
 */
public record TrainableTokens(List<Integer> ofInputs, Map<String, List<Integer>> byModule) {

  /** No tokens. */
  public static final TrainableTokens NONE = new TrainableTokens(List.of(), Map.of());

  /**
   * Copies, and checks the ids.
   *
   * @throws IllegalArgumentException if an id is negative, given twice, or both forms are used
   */
  public TrainableTokens {
    ofInputs = checked(ofInputs);
    Map<String, List<Integer>> copy = new LinkedHashMap<>();
    byModule.forEach((module, tokens) -> copy.put(module, checked(tokens)));
    byModule = Collections.unmodifiableMap(copy);
    if (!ofInputs.isEmpty() && !byModule.isEmpty()) {
      throw new IllegalArgumentException(
          "trainableTokenIndices: give a list of tokens or lists by module, not both");
    }
    for (Map.Entry<String, List<Integer>> each : byModule.entrySet()) {
      if (each.getKey().isBlank() || each.getValue().isEmpty()) {
        throw new IllegalArgumentException(
            "trainableTokenIndices: expected tokens for a module, found " + each);
      }
    }
  }

  private static List<Integer> checked(List<Integer> tokens) {
    List<Integer> seen = new ArrayList<>();
    for (int token : tokens) {
      if (token < 0 || seen.contains(token)) {
        throw new IllegalArgumentException(
            "trainableTokenIndices: expected ids of tokens, each once, found " + tokens);
      }
      seen.add(token);
    }
    return List.copyOf(tokens);
  }

  /** Whether there are none. */
  public boolean isEmpty() {
    return ofInputs.isEmpty() && byModule.isEmpty();
  }

  /** What stands in PEFT's files. */
  Object value() {
    return byModule.isEmpty() ? ofInputs : byModule;
  }
}
