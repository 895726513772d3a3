package io.github.lora4j.quant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.lora4j.io.SafeTensors;
import io.github.lora4j.model.AutoModelForCausalLM;
import io.github.lora4j.model.CausalLM;
import io.github.lora4j.model.LoadOptions;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.NativeMemory;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Against checkpoints that transformers and bitsandbytes wrote. */
class BitsAndBytesCheckpointTest {

  @TempDir Path dir;

  private static final double MODEL_TOLERANCE = 1e-4;

  private static BitsAndBytesConfig config(String kind) {
    if (kind.equals("int8")) {
      return BitsAndBytesConfig.int8();
    }
    return BitsAndBytesConfig.builder()
        .loadIn4Bit(true)
        .bnb4BitQuantType(kind.startsWith("nf4") ? Bnb4BitQuantType.NF4 : Bnb4BitQuantType.FP4)
        .bnb4BitUseDoubleQuant(kind.endsWith("double"))
        .build();
  }

  private static JsonNode configJson(Path folder) throws IOException {
    return new ObjectMapper().readTree(folder.resolve("config.json").toFile());
  }

  private static void assertLogits(CausalLM model, String kind, double tolerance) {
    Path expected = Shared.checkpoint("expected.safetensors");
    try (SafeTensors file = SafeTensors.open(expected);
        TensorScope scope = TensorScope.open()) {
      Tensor ids = file.tensor("input_ids");
      int[] flat = Arrays.stream(ids.toLongArray()).mapToInt(Math::toIntExact).toArray();
      int[] mask = new int[flat.length];
      Arrays.fill(mask, 1);
      Tensor logits = model.logits(flat, mask, Math.toIntExact(ids.size(0)));
      assertThat(
              Shared.difference(
                  logits.toFloatArray(), file.tensor("logits." + kind).toFloatArray()))
          .as(kind)
          .isLessThan(tolerance);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"nf4-double", "nf4-single", "fp4-double", "int8"})
  void aQuantizedCheckpointLoadsWithoutArgumentsAndIsSavedAsItWas(String kind) throws IOException {
    Path folder = Shared.checkpoint("llama-" + kind);
    try (CausalLM model = AutoModelForCausalLM.fromPretrained(folder)) {
      assertLogits(model, kind, MODEL_TOLERANCE);
      model.savePretrained(dir);
    }
    long handles = NativeMemory.liveHandles();
    try (CausalLM again = AutoModelForCausalLM.fromPretrained(dir)) {
      assertLogits(again, kind, MODEL_TOLERANCE);
    }
    assertThat(NativeMemory.liveHandles()).isEqualTo(handles);
    assertThat(Shared.tensors(dir)).isEqualTo(Shared.tensors(folder));
    assertThat(configJson(dir)).isEqualTo(configJson(folder));
  }

  @ParameterizedTest
  @ValueSource(strings = {"nf4-double", "nf4-single", "fp4-double", "int8"})
  void whatIsQuantizedHereIsWhatBitsandbytesMade(String kind) throws IOException {
    Path folder = Shared.checkpoint("llama-bf16");
    LoadOptions options = LoadOptions.builder().dtype(DType.F32).quantization(config(kind)).build();
    try (CausalLM model = AutoModelForCausalLM.fromPretrained(folder, options)) {
      assertLogits(model, kind, MODEL_TOLERANCE);
      model.savePretrained(dir);
    }
    Path theirs = Shared.checkpoint("llama-" + kind);
    assertThat(Shared.tensors(dir)).isEqualTo(Shared.tensors(theirs));
    Shared.assertSameQuantization(dir, theirs);
  }

  @Test
  void theComputedDTypeOfAQuantizedCheckpointCanBeChosen() {
    Path folder = Shared.checkpoint("llama-nf4-double");
    LoadOptions inBf16 =
        LoadOptions.builder().dtype(DType.BF16).quantization(BitsAndBytesConfig.nf4()).build();
    try (CausalLM model = AutoModelForCausalLM.fromPretrained(folder, inBf16)) {
      assertThat(model.dtype()).isEqualTo(DType.BF16);
      assertLogits(model, "nf4-double", 0.05);
    }
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                AutoModelForCausalLM.fromPretrained(
                    folder, LoadOptions.builder().quantization(BitsAndBytesConfig.int8()).build()))
        .withMessageContaining("NF4")
        .withMessageContaining("LLM.int8");
  }

  @Test
  void aQuantizedModelCountsWhatItsCodesStandForAndDoesNotLearnItself() {
    try (CausalLM quantized =
            AutoModelForCausalLM.fromPretrained(Shared.checkpoint("llama-nf4-double"));
        CausalLM eight = AutoModelForCausalLM.fromPretrained(Shared.checkpoint("llama-int8"));
        CausalLM dense = AutoModelForCausalLM.fromPretrained(Shared.checkpoint("llama-bf16"))) {
      assertThat(quantized.parameterCount()).isEqualTo(dense.parameterCount());
      assertThat(eight.parameterCount()).isEqualTo(dense.parameterCount());
      assertThatIllegalStateException()
          .isThrownBy(() -> quantized.requiresGrad(true))
          .withMessageContaining("PeftModel.wrap");
      quantized.requiresGrad(false);
    }
  }
}
