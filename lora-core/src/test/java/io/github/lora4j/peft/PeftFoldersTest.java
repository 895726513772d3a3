package io.github.lora4j.peft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.github.lora4j.data.Batch;
import io.github.lora4j.data.LabelMap;
import io.github.lora4j.error.AdapterMismatchException;
import io.github.lora4j.io.SafeTensors;
import io.github.lora4j.model.AutoModelForCausalLM;
import io.github.lora4j.model.AutoModelForSequenceClassification;
import io.github.lora4j.model.CausalLM;
import io.github.lora4j.model.DecoderModel;
import io.github.lora4j.model.ModelConfig;
import io.github.lora4j.nn.ForwardContext;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.TensorScope;
import io.github.lora4j.testing.DevelopmentData;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The folders that PEFT saved in the development data: loaded, computed with, saved again. */
class PeftFoldersTest {

  @TempDir Path dir;

  private static Path adapters() {
    return DevelopmentData.require("fixtures/peft-adapters");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "alllinear",
        "basic_causal",
        "bf16_base",
        "bias_all",
        "bias_lora_only",
        "dora",
        "embed",
        "gpt2",
        "layer_repl",
        "lora_bias",
        "mixtral_params",
        "mts",
        "mts_tied",
        "mts_tied_ensure",
        "named/french",
        "no_task",
        "rank_pattern",
        "regex",
        "seqcls",
        "tokens",
        "tokens_tied",
        "wb"
      })
  void loadsComputesAndIsSavedAsItCame(String name) throws IOException {
    Path folder = adapters().resolve(name);
    Batch batch = new Batch(1, 3, new int[] {3, 1, 2}, new int[] {1, 1, 1}, new int[] {3, 1, 2});
    try (DecoderModel base = base(name, folder);
        PeftModel<DecoderModel> peft = PeftModel.fromPretrained(base, folder)) {
      if (!name.equals("seqcls")) {
        assertThat(peft.loss(batch, ForwardContext.eval())).isFinite().isPositive();
      }
      peft.savePretrained(dir.resolve("saved"));
    }
    AdapterKindsTest.assertSame(dir.resolve("saved"), folder);
  }

  @Test
  void anEncoderIsNoBaseOfOurs() throws IOException {
    Path folder = adapters().resolve("bert_seqcls");
    try (DecoderModel base = base("basic_causal", folder)) {
      assertThatExceptionOfType(AdapterMismatchException.class)
          .isThrownBy(() -> PeftModel.fromPretrained(base, folder))
          .withMessageContaining("query");
    }
  }

  /** A base of the sizes that the adapters were made for; its tables are those in the file. */
  private DecoderModel base(String name, Path adapter) throws IOException {
    Map<String, Object> config = new LinkedHashMap<>();
    int layers = name.equals("wb") || name.equals("layer_repl") ? 2 : 1;
    if (name.equals("gpt2")) {
      config.put("model_type", "gpt2");
      config.put("n_embd", 16);
      config.put("n_layer", 1);
      config.put("n_head", 2);
      config.put("n_positions", 32);
    } else {
      config.put("model_type", name.equals("mixtral_params") ? "mixtral" : "llama");
      config.put("hidden_size", 16);
      config.put("intermediate_size", 24);
      config.put("num_hidden_layers", layers);
      config.put("num_attention_heads", 4);
      config.put("num_key_value_heads", 2);
      config.put("max_position_embeddings", 32);
      config.put("tie_word_embeddings", name.contains("tied"));
      config.put("attention_bias", name.contains("bias"));
      config.put("num_local_experts", 2);
      config.put("num_experts_per_tok", 1);
    }
    config.put("vocab_size", 32);
    CausalLM base =
        AutoModelForCausalLM.fromConfig(
            ModelConfig.of(PeftAnswers.JSON.writeValueAsString(config), name), 1, Device.CPU);
    try (SafeTensors file = SafeTensors.open(adapter.resolve("adapter_model.safetensors"));
        TensorScope scope = TensorScope.open()) {
      for (String key : file.names()) {
        if (key.endsWith(".base_layer.weight")) {
          String parameter = key.replace("base_model.model.", "").replace(".base_layer", "");
          base.parameters().get(parameter).copyInPlace(file.tensor(key));
        }
      }
    }
    if (!name.equals("seqcls")) {
      return base;
    }
    try (base) {
      base.savePretrained(dir.resolve("base"));
    }
    return AutoModelForSequenceClassification.fromPretrained(
        dir.resolve("base"), LabelMap.of("a", "b", "c"));
  }
}
