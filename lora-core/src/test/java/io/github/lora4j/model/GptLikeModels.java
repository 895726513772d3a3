package io.github.lora4j.model;

import io.github.lora4j.tensor.Device;
import java.util.List;

/** Small random models of the families that differ most from Llama. */
final class GptLikeModels {

  /** Model types with the keys that bring out what is particular to them. */
  static final List<String> ALL =
      List.of(
          "phi: 'qk_layernorm': true",
          "gpt2: 'scale_attn_by_inverse_layer_idx': true, 'max_position_embeddings': 40",
          "gpt_neox: 'use_parallel_residual': true",
          "gpt_neox: 'use_parallel_residual': false, 'tie_word_embeddings': true",
          "opt: 'ffn_dim': 24, 'max_position_embeddings': 40",
          "opt: 'ffn_dim': 24, 'do_layer_norm_before': false, 'word_embed_proj_dim': 12",
          "falcon: 'bias': true",
          "falcon: 'new_decoder_architecture': true, 'num_kv_heads': 2",
          "falcon: 'parallel_attn': false, 'multi_query': false",
          "stablelm: 'qk_layernorm': true, 'use_parallel_residual': true",
          "starcoder2: 'sliding_window': 5");

  private GptLikeModels() {}

  static ModelConfig config(String model) {
    int colon = model.indexOf(':');
    String sizes =
        "'hidden_size': 32, 'num_attention_heads': 4, 'num_key_value_heads': 2,"
            + " 'num_hidden_layers': 2, 'intermediate_size': 24, 'vocab_size': 60,"
            + " 'initializer_range': 0.3, 'init_std': 0.3,";
    String json =
        "{'model_type': '" + model.substring(0, colon) + "'," + sizes + model.substring(colon + 1);
    return ModelConfig.of(json.replace('\'', '"') + "}", model);
  }

  static CausalLM model(String model) {
    return AutoModelForCausalLM.fromConfig(config(model), 7, Device.CPU);
  }
}
