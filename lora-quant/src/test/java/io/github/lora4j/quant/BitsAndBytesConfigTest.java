package io.github.lora4j.quant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.github.lora4j.io.Checkpoint;
import io.github.lora4j.model.AutoModelForCausalLM;
import io.github.lora4j.model.CausalLM;
import io.github.lora4j.model.LinearShape;
import io.github.lora4j.model.ModelConfig;
import io.github.lora4j.tensor.DType;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Fields, defaults and rules of transformers' class of the same name. */
class BitsAndBytesConfigTest {

  @TempDir Path dir;

  @Test
  void theDefaultsAreThoseOfTransformers() {
    // BitsAndBytesConfig(load_in_4bit=True).to_dict() of transformers 5.18, less what is null.
    assertThat(BitsAndBytesConfig.builder().loadIn4Bit(true).build().toConfig())
        .containsExactlyInAnyOrderEntriesOf(
            Map.ofEntries(
                Map.entry("_load_in_4bit", true),
                Map.entry("_load_in_8bit", false),
                Map.entry("bnb_4bit_compute_dtype", "float32"),
                Map.entry("bnb_4bit_quant_storage", "uint8"),
                Map.entry("bnb_4bit_quant_type", "fp4"),
                Map.entry("bnb_4bit_use_double_quant", false),
                Map.entry("llm_int8_enable_fp32_cpu_offload", false),
                Map.entry("llm_int8_has_fp16_weight", false),
                Map.entry("llm_int8_threshold", 6.0),
                Map.entry("load_in_4bit", true),
                Map.entry("load_in_8bit", false),
                Map.entry("quant_method", "bitsandbytes")));
  }

  @Test
  void whatIsNotBuiltIsRefusedByName() {
    BitsAndBytesConfig.Builder builder = BitsAndBytesConfig.builder();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> builder.llmInt8HasFp16Weight(true))
        .withMessageContaining("llmInt8HasFp16Weight");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> builder.llmInt8EnableFp32CpuOffload(true))
        .withMessageContaining("llmInt8EnableFp32CpuOffload");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> builder.bnb4BitQuantStorage(DType.I64))
        .withMessageContaining("bnb4BitQuantStorage")
        .withMessageContaining("I64");
    assertThat(
            builder
                .llmInt8HasFp16Weight(false)
                .llmInt8EnableFp32CpuOffload(false)
                .loadIn8Bit(true)
                .build()
                .loadIn8Bit())
        .isTrue();
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"U8", "I8", "BF16", "F16", "F32", "F64"})
  void theStorageOfCodesIsWrittenAndReadAgain(DType storage) {
    BitsAndBytesConfig how =
        TinyModels.nf4InFloat32().toBuilder().bnb4BitQuantStorage(storage).build();
    try (CausalLM model = TinyModels.load(TinyModels.write("llama", dir.resolve("dense")), how)) {
      model.savePretrained(dir.resolve("saved"));
      try (Checkpoint checkpoint = Checkpoint.open(dir.resolve("saved"));
          CausalLM again = AutoModelForCausalLM.fromPretrained(dir.resolve("saved"))) {
        var codes = checkpoint.info("model.layers.0.self_attn.q_proj.weight");
        assertThat(codes.dtype()).isEqualTo(storage);
        assertThat(codes.shape()).containsExactly(64L * 64 / 2 / storage.byteSize(), 1L);
        assertThat(TinyModels.logits(again)).isEqualTo(TinyModels.logits(model));
        assertThat(again.config().has("quantization_config")).isTrue();
      }
    }
    ModelConfig section =
        ModelConfig.of(
            "{\"load_in_4bit\": true, \"bnb_4bit_quant_storage\": \"" + storage.torchName() + "\"}",
            "test");
    assertThat(((BitsAndBytesConfig) new BitsAndBytes().read(section).orElseThrow()))
        .extracting(BitsAndBytesConfig::bnb4BitQuantStorage)
        .isEqualTo(storage);
  }

  /** Answers of {@code should_convert_module} of transformers 5.18. */
  @ParameterizedTest
  @CsvSource({
    "lm_head, lm_head, false",
    "lm_head, model.lm_head, false",
    "model.layers.1, model.layers.1.mlp.up_proj, false",
    "model.layers.1, model.layers.11.mlp.up_proj, false",
    "model.layers.1., model.layers.11.mlp.up_proj, false",
    "model.layers.1\\., model.layers.11.mlp.up_proj, true",
    "proj, model.layers.1.mlp.up_proj, false",
    "up_proj, model.layers.1.mlp.gate_up_proj, false",
    "mlp, model.layers.1.mlp.up_proj, true",
    ".*mlp, model.layers.1.mlp.up_proj, false",
    "layers.1.mlp, model.layers.1.mlp.up_proj, true",
    "model.layers.\\d+.mlp, model.layers.12.mlp.up_proj, false"
  })
  void skippedModulesAreThoseOfTransformers(String name, String module, boolean converted) {
    BitsAndBytesConfig how =
        BitsAndBytesConfig.builder().loadIn4Bit(true).llmInt8SkipModules(name).build();
    assertThat(how.quantizes(new LinearShape(module, 8, 8, false, false))).isEqualTo(converted);
    assertThat(how.llmInt8SkipModules()).contains(List.of(name));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "mistral",
        "mixtral",
        "qwen2",
        "qwen3",
        "qwen3_moe",
        "smollm3",
        "granite",
        "olmo2"
      })
  void moreFamiliesSayTheSameQuantizedAndDense(String family) {
    Path folder = TinyModels.write(family, dir);
    try (CausalLM quantized = TinyModels.load(folder, TinyModels.nf4InFloat32());
        CausalLM dense = TinyModels.dense(quantized);
        CausalLM inHalf =
            TinyModels.load(
                folder,
                BitsAndBytesConfig.nf4().toBuilder().bnb4BitComputeDtype(DType.F16).build())) {
      float[] expected = TinyModels.logits(dense);
      assertThat(Shared.difference(TinyModels.logits(quantized), expected)).isLessThan(1e-5);
      assertThat(Shared.difference(TinyModels.logits(inHalf), expected)).isBetween(1e-7, 0.01);
    }
  }
}
