package io.github.lora4j.benchmarks.kernels;

import io.github.lora4j.model.AutoModelForCausalLM;
import io.github.lora4j.model.CausalLM;
import io.github.lora4j.model.LoadOptions;
import io.github.lora4j.model.ModelConfig;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import java.util.Locale;

/** Random models of one block, to get at layers that only models make. */
final class OneBlock {

  static final int HIDDEN = 576;

  private OneBlock() {}

  /**
   * Makes a model with SmolLM's attention, for the caller to close.
   *
   * @param intermediate the width of its MLP
   */
  static CausalLM open(int vocabSize, int intermediate, DType dtype) {
    CausalLM model =
        AutoModelForCausalLM.fromConfig(config(vocabSize, intermediate), 1, Device.CPU);
    if (dtype == DType.F32) {
      return model;
    }
    // A random model is float32; another dtype comes with loading.
    try (model;
        TemporaryFolder folder = TemporaryFolder.create()) {
      model.savePretrained(folder.path());
      return AutoModelForCausalLM.fromPretrained(
          folder.path(), LoadOptions.builder().dtype(dtype).device(Device.CPU).build());
    }
  }

  private static ModelConfig config(int vocabSize, int intermediate) {
    String json =
        String.format(
            Locale.ROOT,
            """
            {"model_type": "llama", "vocab_size": %d, "hidden_size": %d, "intermediate_size": %d,
             "num_hidden_layers": 1, "num_attention_heads": 9, "num_key_value_heads": 3,
             "max_position_embeddings": 2048, "tie_word_embeddings": true}
            """,
            vocabSize,
            HIDDEN,
            intermediate);
    return ModelConfig.of(json, "one block");
  }
}
