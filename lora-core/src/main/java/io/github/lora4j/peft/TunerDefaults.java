package io.github.lora4j.peft;

import java.util.List;
import java.util.Map;

/** What PEFT adapts in each family when nothing is said, for kinds of adapters other than LoRA. */
final class TunerDefaults {

  private static final List<String> Q_V_DOWN = List.of("q_proj", "v_proj", "down_proj");
  private static final List<String> K_V_DOWN = List.of("k_proj", "v_proj", "down_proj");
  private static final List<String> Q_V_FC = List.of("q_proj", "v_proj", "fc2");
  private static final List<String> FUSED = List.of("query_key_value", "dense_4h_to_h");
  private static final List<String> CONV = List.of("c_attn", "mlp.c_proj");

  private static final Map<String, List<String>> IA3 =
      Map.ofEntries(
          Map.entry("gpt2", CONV),
          Map.entry("gpt_bigcode", CONV),
          Map.entry("bloom", List.of("query_key_value", "mlp.dense_4h_to_h")),
          Map.entry("opt", List.of("q_proj", "k_proj", "fc2")),
          Map.entry("gptj", List.of("q_proj", "v_proj", "fc_out")),
          Map.entry("gpt_neox", FUSED),
          Map.entry("gpt_neo", List.of("q_proj", "v_proj", "c_proj")),
          Map.entry("llama", K_V_DOWN),
          Map.entry("mistral", K_V_DOWN),
          Map.entry("falcon", FUSED),
          Map.entry("phi", Q_V_FC),
          Map.entry("gemma", Q_V_DOWN),
          Map.entry("gemma2", Q_V_DOWN),
          Map.entry("gemma3_text", Q_V_DOWN),
          Map.entry("qwen2", Q_V_DOWN),
          Map.entry("qwen3", Q_V_DOWN));

  private static final List<String> TWO_AND_LAST =
      List.of("input_layernorm", "post_attention_layernorm", "norm");
  private static final List<String> FOUR_AND_LAST =
      List.of(
          "input_layernorm",
          "post_attention_layernorm",
          "pre_feedforward_layernorm",
          "post_feedforward_layernorm",
          "norm");

  private static final Map<String, List<String>> NORMS =
      Map.ofEntries(
          Map.entry("llama", TWO_AND_LAST),
          Map.entry("mistral", TWO_AND_LAST),
          Map.entry("gemma", TWO_AND_LAST),
          Map.entry("gemma2", FOUR_AND_LAST),
          Map.entry("gemma3_text", FOUR_AND_LAST),
          Map.entry("bloom", List.of("input_layernorm", "post_attention_layernorm", "ln_f")),
          Map.entry("falcon", List.of("input_layernorm", "post_attention_layernorm", "ln_f")),
          Map.entry("gpt2", List.of("ln_1", "ln_2", "ln_f")),
          Map.entry("gptj", List.of("ln_1", "ln_f")),
          Map.entry("phi", List.of("input_layernorm", "final_layernorm")),
          Map.entry("qwen2", List.of("post_attention_layernorm")),
          Map.entry("qwen3", List.of("post_attention_layernorm")));

  private TunerDefaults() {}

  /** Targets of (IA)³; empty for a family that PEFT has none for. */
  static List<String> ia3Targets(String modelType) {
    return IA3.getOrDefault(modelType, List.of());
  }

  /** Those whose input is scaled: the last, in every family. */
  static List<String> ia3Feedforward(String modelType) {
    List<String> targets = ia3Targets(modelType);
    return targets.isEmpty() ? targets : targets.subList(targets.size() - 1, targets.size());
  }

  /** Targets of norm tuning; empty for a family that PEFT has none for. */
  static List<String> norms(String modelType) {
    return NORMS.getOrDefault(modelType, List.of());
  }
}
