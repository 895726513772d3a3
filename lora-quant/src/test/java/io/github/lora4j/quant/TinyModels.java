package io.github.lora4j.quant;

import io.github.lora4j.data.Batch;
import io.github.lora4j.model.AutoModelForCausalLM;
import io.github.lora4j.model.CausalLM;
import io.github.lora4j.model.LoadOptions;
import io.github.lora4j.model.ModelConfig;
import io.github.lora4j.nn.LinearLayer;
import io.github.lora4j.nn.QuantizedLinear;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.TensorScope;
import java.nio.file.Path;
import java.util.Arrays;

/** Small models of several families with random weights. */
final class TinyModels {

  private static final String LLAMA =
      "\"intermediate_size\": 96, \"num_key_value_heads\": 2, \"rms_norm_eps\": 1e-6,"
          + " \"hidden_act\": \"silu\", \"pad_token_id\": 0";

  private TinyModels() {}

  static ModelConfig config(String family) {
    String rest =
        switch (family) {
          case "llama", "phi3", "mistral", "qwen2", "qwen3", "smollm3", "granite", "olmo2" -> LLAMA;
          case "mixtral" -> LLAMA + ", \"num_local_experts\": 4, \"num_experts_per_tok\": 2";
          case "qwen3_moe" ->
              LLAMA
                  + ", \"num_experts\": 4, \"num_experts_per_tok\": 2,"
                  + " \"moe_intermediate_size\": 32, \"head_dim\": 16";
          case "gemma2" ->
              LLAMA
                  + ", \"head_dim\": 16, \"query_pre_attn_scalar\": 16, \"sliding_window\": 8,"
                  + " \"hidden_activation\": \"gelu_pytorch_tanh\"";
          case "gpt_neox" ->
              "\"intermediate_size\": 96, \"rotary_pct\": 0.25, \"use_parallel_residual\": true,"
                  + " \"layer_norm_eps\": 1e-5, \"hidden_act\": \"gelu\"";
          case "gpt2" ->
              "\"n_embd\": 64, \"n_head\": 4, \"n_layer\": 2, \"n_positions\": 64,"
                  + " \"layer_norm_epsilon\": 1e-5, \"activation_function\": \"gelu_new\"";
          default -> throw new IllegalArgumentException(family);
        };
    return ModelConfig.of(
        "{\"model_type\": \""
            + family
            + "\", \"hidden_size\": 64, \"num_hidden_layers\": 2, \"num_attention_heads\": 4,"
            + " \"max_position_embeddings\": 64, \"vocab_size\": 96, \"initializer_range\": 0.1,"
            + " \"tie_word_embeddings\": "
            + family.matches("gemma2|gpt2")
            + ", "
            + rest
            + "}",
        family);
  }

  /** Writes a folder with a dense float32 model. */
  static Path write(String family, Path folder) {
    try (CausalLM model = AutoModelForCausalLM.fromConfig(config(family), 3, Device.CPU)) {
      model.savePretrained(folder);
    }
    return folder;
  }

  static CausalLM load(Path folder, BitsAndBytesConfig config) {
    return AutoModelForCausalLM.fromPretrained(
        folder, LoadOptions.builder().dtype(DType.F32).quantization(config).build());
  }

  static BitsAndBytesConfig nf4InFloat32() {
    return BitsAndBytesConfig.nf4().toBuilder().bnb4BitComputeDtype(DType.F32).build();
  }

  /** The same model with the same numbers in dense weights. */
  static CausalLM dense(CausalLM quantized) {
    return quantized.shareWith(TinyModels::dense);
  }

  private static LinearLayer dense(LinearLayer layer) {
    if (!(layer instanceof QuantizedLinear few)) {
      return layer.share();
    }
    try (TensorScope scope = TensorScope.open()) {
      return few.withDense(few.denseWeight(layer.dtype()));
    }
  }

  /** Two rows, the second shorter, all of them supervised. */
  static Batch batch() {
    int[] ids = new int[24];
    int[] mask = new int[24];
    int[] labels = new int[24];
    for (int i = 0; i < ids.length; i++) {
      boolean there = i < 20;
      ids[i] = there ? 1 + (i * 37 + 11) % 90 : 0;
      mask[i] = there ? 1 : 0;
      labels[i] = there ? ids[i] : -100;
    }
    return new Batch(2, 12, ids, mask, labels);
  }

  static float[] logits(CausalLM model) {
    Batch batch = batch();
    try (TensorScope scope = TensorScope.open()) {
      return model.logits(Arrays.copyOf(batch.inputIds(), 12), ones(12), 1).toFloatArray();
    }
  }

  private static int[] ones(int n) {
    int[] ones = new int[n];
    Arrays.fill(ones, 1);
    return ones;
  }
}
