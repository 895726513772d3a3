package io.github.lora4j.train;

import java.util.Locale;
import java.util.regex.Pattern;

/**
 * Which parameters decay: transformers' rule, by their names. It also exempts what belongs to a
 * {@code torch.nn.LayerNorm} of any name, which GPT-2 and its kin call {@code ln_1}, MPT {@code
 * norm_1}.
 */
final class WeightDecayRule {

  private static final Pattern EXEMPT =
      Pattern.compile(
          "bias|layernorm|rmsnorm|(?:^|\\.)norm(?:$|\\.)|_norm(?:$|\\.)|(?:^|\\.)(?:ln|norm)_\\w+(?:$|\\.)");

  private WeightDecayRule() {}

  /** Whether a parameter decays: all do but biases and the weights of norms. */
  static boolean appliesTo(String parameterName) {
    return !EXEMPT.matcher(parameterName.toLowerCase(Locale.ROOT)).find();
  }
}
