package io.github.lora4j.peft;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.lora4j.io.SafeTensors;
import io.github.lora4j.model.AutoModelForCausalLM;
import io.github.lora4j.model.CausalLM;
import io.github.lora4j.model.ModelConfig;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Adapters of GPT-2, whose weights are stored as {@code [in, out]}. */
class FanInFanOutTest {

  private static final String SIZES =
      "\"hidden_size\": 16, \"num_attention_heads\": 2, \"num_hidden_layers\": 2, \"vocab_size\":"
          + " 40, \"intermediate_size\": 24, \"max_position_embeddings\": 20}";

  @TempDir private Path dir;

  private static CausalLM model(String type) {
    ModelConfig config = ModelConfig.of("{\"model_type\": \"" + type + "\", " + SIZES, type);
    return AutoModelForCausalLM.fromConfig(config, 1, Device.CPU);
  }

  private LoraConfig savedConfig(String type, LoraConfig config) {
    try (CausalLM base = model(type);
        PeftModel<CausalLM> peft = PeftModel.wrap(base, config)) {
      peft.savePretrained(dir);
    }
    return LoraConfig.load(dir);
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aSavedAdapterSaysHowItsBaseStoresWeights(boolean asked) {
    LoraConfig config = LoraConfig.builder().fanInFanOut(asked).targetModules("all-linear").build();
    assertThat(savedConfig("gpt2", config).fanInFanOut()).isTrue();
    assertThat(savedConfig("llama", config).fanInFanOut()).isFalse();
  }

  @Test
  void theDefaultTargetIsTheFusedProjection() {
    assertThat(savedConfig("gpt2", LoraConfig.builder().build()).targetModules())
        .isEqualTo(TargetModules.names("c_attn"));
  }

  @Test
  void allLinearLayersAreThoseWithTransposedWeights() {
    LoraConfig config = LoraConfig.builder().targetModules("all-linear").build();
    try (CausalLM base = model("gpt2");
        PeftModel<CausalLM> peft = PeftModel.wrap(base, config)) {
      assertThat(peft.targetedModuleNames())
          .startsWith(
              "transformer.h.0.attn.c_attn",
              "transformer.h.0.attn.c_proj",
              "transformer.h.0.mlp.c_fc",
              "transformer.h.0.mlp.c_proj")
          .hasSize(8);
    }
  }

  @Test
  void theAdaptersOwnMatricesLieAsEverywhere() {
    savedConfig("gpt2", LoraConfig.builder().r(3).build());
    try (SafeTensors file = SafeTensors.open(dir.resolve("adapter_model.safetensors"))) {
      String module = "base_model.model.transformer.h.0.attn.c_attn";
      assertThat(file.info(module + ".lora_A.weight").shape()).isEqualTo(List.of(3L, 16L));
      assertThat(file.info(module + ".lora_B.weight").shape()).isEqualTo(List.of(48L, 3L));
    }
  }

  @Test
  void mergingKeepsTheStorage() {
    LoraConfig config = LoraConfig.builder().r(3).initLoraWeights(InitLoraWeights.RANDOM).build();
    int[] ids = {3, 8, 30, 12};
    int[] mask = {1, 1, 1, 1};
    try (CausalLM base = model("gpt2");
        PeftModel<CausalLM> peft = PeftModel.wrap(base, config);
        CausalLM merged = peft.mergeAndUnload();
        TensorScope scope = TensorScope.open()) {
      String name = "transformer.h.0.attn.c_attn.weight";
      Tensor weight = merged.parameters().get(name);
      assertThat(weight.shape()).containsExactly(16, 48);
      assertThat(weight.equal(base.parameters().get(name))).isFalse();
      peft.mergeAdapter();
      assertThat(merged.logits(ids, mask, 1).equal(peft.model().logits(ids, mask, 1))).isTrue();
    }
  }
}
