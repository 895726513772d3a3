package io.github.lora4j.train;

import java.util.Locale;
import java.util.regex.Pattern;

/** Which parameters decay: transformers' rule, by their names. */
final class WeightDecayRule {

  private static final Pattern EXEMPT =
      Pattern.compile("bias|layernorm|rmsnorm|(?:^|\\.)norm(?:$|\\.)|_norm(?:$|\\.)");

  private WeightDecayRule() {}

  /** Whether a parameter decays: all do but biases and the weights of norms. */
  static boolean appliesTo(String parameterName) {
    return !EXEMPT.matcher(parameterName.toLowerCase(Locale.ROOT)).find();
  }
}
