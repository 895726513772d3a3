package io.github.lora4j.quant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.github.lora4j.error.CheckpointFormatException;
import io.github.lora4j.error.UnsupportedModelException;
import io.github.lora4j.io.Checkpoint;
import io.github.lora4j.io.CheckpointWriter;
import io.github.lora4j.model.AutoModelForCausalLM;
import io.github.lora4j.model.CausalLM;
import io.github.lora4j.nn.LinearLayer;
import io.github.lora4j.nn.QuantizedLinear;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.NativeMemory;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is quantized, what is not, and what is wrong with damaged checkpoints. */
class QuantizedLoadingTest {

  private static final String Q = "model.layers.0.self_attn.q_proj";
  private static final String STATE = Q + ".weight.quant_state.bitsandbytes__nf4";

  @TempDir Path dir;

  private static List<String> quantized(CausalLM model) {
    return model.linearLayers().stream()
        .filter(QuantizedLinear.class::isInstance)
        .map(LinearLayer::name)
        .toList();
  }

  /** A quantized checkpoint with other tensors or another configuration. */
  private Path changed(
      BitsAndBytesConfig how, Consumer<Map<String, Tensor>> tensors, UnaryOperator<String> config)
      throws IOException {
    Path saved = dir.resolve("saved");
    try (CausalLM model = TinyModels.load(TinyModels.write("llama", dir.resolve("dense")), how)) {
      model.savePretrained(saved);
    }
    Path target = dir.resolve("changed");
    try (Checkpoint checkpoint = Checkpoint.open(saved);
        TensorScope scope = TensorScope.open()) {
      Map<String, Tensor> all = new LinkedHashMap<>();
      checkpoint.names().forEach(name -> all.put(name, checkpoint.tensor(name)));
      tensors.accept(all);
      CheckpointWriter.write(target, all);
    }
    Files.writeString(
        target.resolve("config.json"),
        config.apply(Files.readString(saved.resolve("config.json"))));
    return target;
  }

  private static void assertRefused(Path folder, String... parts) {
    long handles = NativeMemory.liveHandles();
    assertThatExceptionOfType(CheckpointFormatException.class)
        .isThrownBy(() -> AutoModelForCausalLM.fromPretrained(folder))
        .satisfies(e -> assertThat(e.getMessage()).contains(parts));
    assertThat(NativeMemory.liveHandles()).isLessThanOrEqualTo(handles + 5);
  }

  private static Tensor json(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    return Tensor.ofBytes(bytes, bytes.length);
  }

  // ---- what is quantized

  @ParameterizedTest
  @CsvSource({"llama, 14", "phi3, 8", "gpt_neox, 8", "gemma2, 14", "gpt2, 8"})
  void allLinearLayersButTheHeadAre(String family, int count) {
    try (CausalLM model =
        TinyModels.load(TinyModels.write(family, dir), BitsAndBytesConfig.nf4())) {
      assertThat(quantized(model)).hasSize(count).doesNotContain(model.headName());
    }
  }

  @Test
  void skippedModulesStayAsTheyAreAndTheHeadIsOneOnlyIfNamed() {
    Path folder = TinyModels.write("llama", dir);
    BitsAndBytesConfig.Builder nf4 = BitsAndBytesConfig.nf4().toBuilder();
    try (CausalLM model =
        TinyModels.load(folder, nf4.llmInt8SkipModules("o_proj", "model.layers.1.").build())) {
      assertThat(quantized(model))
          .containsExactly(
              Q,
              Q.replace("q_proj", "k_proj"),
              Q.replace("q_proj", "v_proj"),
              "model.layers.0.mlp.gate_proj",
              "model.layers.0.mlp.up_proj",
              "model.layers.0.mlp.down_proj",
              "lm_head");
      model.savePretrained(dir.resolve("saved"));
      try (CausalLM again = AutoModelForCausalLM.fromPretrained(dir.resolve("saved"))) {
        assertThat(quantized(again)).isEqualTo(quantized(model));
        assertThat(TinyModels.logits(again)).isEqualTo(TinyModels.logits(model));
      }
    }
    try (CausalLM model =
        TinyModels.load(
            folder, nf4.llmInt8SkipModules("model.layers.\\d+.mlp", "lm_head").build())) {
      assertThat(quantized(model)).hasSize(8).allMatch(name -> name.contains("self_attn"));
    }
    assertThatIllegalArgumentException()
        .isThrownBy(() -> nf4.llmInt8SkipModules("(a+)+b").build())
        .withMessageContaining("(a+)+b");
  }

  @ParameterizedTest
  @ValueSource(strings = {"llama", "phi3", "gpt_neox", "gemma2", "gpt2"})
  void aSavedModelIsTheSameModel(String family) {
    Path folder = TinyModels.write(family, dir.resolve("dense"));
    for (BitsAndBytesConfig how : List.of(BitsAndBytesConfig.nf4(), BitsAndBytesConfig.int8())) {
      try (CausalLM model = TinyModels.load(folder, how)) {
        model.savePretrained(dir.resolve("saved"));
        try (CausalLM again = AutoModelForCausalLM.fromPretrained(dir.resolve("saved"))) {
          assertThat(TinyModels.logits(again)).isEqualTo(TinyModels.logits(model));
        }
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"32, true", "128, false", "4096, true"})
  void blocksOfEverySizeAreSavedAndLoaded(int blocksize, boolean doubleQuant) {
    BitsAndBytesConfig how =
        BitsAndBytesConfig.builder()
            .loadIn4Bit(true)
            .bnb4BitBlocksize(blocksize)
            .bnb4BitUseDoubleQuant(doubleQuant)
            .build();
    try (CausalLM model = TinyModels.load(TinyModels.write("llama", dir.resolve("dense")), how)) {
      model.savePretrained(dir.resolve("saved"));
      try (CausalLM again = AutoModelForCausalLM.fromPretrained(dir.resolve("saved"));
          Checkpoint checkpoint = Checkpoint.open(dir.resolve("saved"))) {
        assertThat(TinyModels.logits(again)).isEqualTo(TinyModels.logits(model));
        assertThat(checkpoint.info(Q + ".weight.absmax").shape())
            .containsExactly((64L * 64 + blocksize - 1) / blocksize);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"F32", "BF16", "I8"})
  void codesMayLieInAnotherStorage(String storage) throws IOException {
    DType dtype = DType.valueOf(storage);
    Path folder =
        changed(
            BitsAndBytesConfig.nf4(),
            tensors ->
                tensors.replaceAll(
                    (name, tensor) ->
                        tensor.dtype() == DType.U8 && tensor.dim() == 2
                            ? tensor.copy().view(-1).viewAs(dtype).view(-1, 1)
                            : tensor),
            json -> json);
    try (CausalLM model = AutoModelForCausalLM.fromPretrained(folder);
        CausalLM plain = AutoModelForCausalLM.fromPretrained(dir.resolve("saved"))) {
      assertThat(TinyModels.logits(model)).isEqualTo(TinyModels.logits(plain));
      model.savePretrained(dir.resolve("again"));
      assertThat(Shared.tensors(dir.resolve("again"))).isEqualTo(Shared.tensors(folder));
    }
  }

  @Test
  void loadingHoldsNoMoreThanTheQuantizedModelAndATensor() {
    Path folder = TinyModels.write("llama", dir);
    long handles = NativeMemory.liveHandles();
    try (CausalLM model = TinyModels.load(folder, BitsAndBytesConfig.nf4());
        TensorScope scope = TensorScope.open()) {
      long bytes = 0;
      for (LinearLayer layer : model.linearLayers()) {
        if (layer instanceof QuantizedLinear few) {
          for (Tensor tensor : few.stored().values()) {
            bytes += tensor.numel() * tensor.dtype().byteSize();
          }
        }
      }
      long dense = 2L * 4 * (2 * 64 * 64 + 2 * 32 * 64 + 3 * 96 * 64);
      assertThat(bytes).isLessThan(dense / 4);
    }
    assertThat(NativeMemory.liveHandles()).isLessThanOrEqualTo(handles + 5);
  }

  // ---- what is wrong

  @Test
  void contradictionsOfTheConfigurationAreRefused() throws IOException {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> BitsAndBytesConfig.builder().build())
        .withMessageContaining("loadIn4Bit");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> BitsAndBytesConfig.builder().loadIn4Bit(true).loadIn8Bit(true).build());
    assertThatIllegalArgumentException()
        .isThrownBy(() -> BitsAndBytesConfig.builder().bnb4BitBlocksize(48))
        .withMessageContaining("48");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> BitsAndBytesConfig.builder().bnb4BitComputeDtype(DType.I8));
    BitsAndBytesConfig nf4 = BitsAndBytesConfig.nf4();
    assertRefused(
        changed(nf4, t -> {}, json -> json.replace("\"nf4\"", "\"int4\"")),
        "bnb_4bit_quant_type",
        "nf4 or fp4",
        "int4");
    assertRefused(
        changed(nf4, t -> {}, json -> json.replace("\"bfloat16\"", "\"int8\"")),
        "bnb_4bit_compute_dtype");
    assertRefused(
        changed(
            nf4,
            t -> {},
            json -> json.replaceFirst("\"load_in_8bit\" : false", "\"load_in_8bit\": true")),
        "load_in_8bit");
    assertThatExceptionOfType(UnsupportedModelException.class)
        .isThrownBy(
            () ->
                AutoModelForCausalLM.fromPretrained(
                    changed(nf4, t -> {}, json -> json.replace("\"bitsandbytes\"", "\"awq\""))))
        .withMessageContaining("awq");
  }

  @Test
  void allTensorsThatDoNotFitAreNamedAtOnce() throws IOException {
    Path folder =
        changed(
            BitsAndBytesConfig.nf4(),
            tensors -> {
              tensors.remove(Q + ".weight.absmax");
              tensors.remove("model.layers.1.mlp.up_proj.weight.quant_state.bitsandbytes__nf4");
              tensors.put(
                  "model.layers.1.mlp.down_proj.weight.nested_absmax",
                  Tensor.zeros(DType.F32, Device.CPU, 7));
              tensors.put(
                  "model.layers.0.self_attn.v_proj.weight.absmax",
                  Tensor.zeros(DType.F32, Device.CPU, 32));
              tensors.put("model.extra", Tensor.zeros(DType.F32, Device.CPU, 1));
            },
            json -> json);
    assertRefused(
        folder,
        "missing: " + Q + ".weight.absmax",
        "model.layers.1.mlp.up_proj.weight.quant_state.bitsandbytes__nf4",
        "unexpected: model.extra",
        "model.layers.1.mlp.down_proj.weight.nested_absmax (expected [1], found [7])",
        "model.layers.0.self_attn.v_proj.weight.absmax (expected U8, found F32)");
  }

  @Test
  void missingScalesOf8BitWeightsAreNamed() throws IOException {
    assertRefused(
        changed(BitsAndBytesConfig.int8(), t -> t.remove(Q + ".SCB"), json -> json),
        "missing: " + Q + ".SCB");
    assertRefused(
        changed(
            BitsAndBytesConfig.int8(),
            t -> t.put(Q + ".weight_format", Tensor.ofBytes(new byte[] {2})),
            json -> json),
        Q + ".weight_format",
        "found 2");
    assertRefused(
        changed(
            BitsAndBytesConfig.int8(),
            t -> t.put(Q + ".SCB", Tensor.full(Double.NaN, DType.F32, Device.CPU, 64)),
            json -> json),
        Q + ".SCB",
        "NaN");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "not json",
        "[]",
        "{\"quant_type\": \"nf4\"} {}",
        "{\"quant_type\": \"fp4\", \"blocksize\": 64, \"dtype\": \"float32\", \"shape\": [64, 64]}",
        "{\"quant_type\": \"nf4\", \"blocksize\": 63, \"dtype\": \"float32\", \"shape\": [64, 64]}",
        "{\"quant_type\": \"nf4\", \"blocksize\": 64, \"dtype\": \"int8\", \"shape\": [64, 64]}",
        "{\"quant_type\": \"nf4\", \"blocksize\": 64, \"dtype\": \"float32\", \"shape\": [64, -1]}",
        "{\"quant_type\": \"nf4\", \"blocksize\": 64, \"dtype\": \"float32\","
            + " \"shape\": [2147483647, 2147483647]}",
        "{\"quant_type\": \"nf4\", \"blocksize\": 64, \"dtype\": \"float32\", \"shape\": [64, 64],"
            + " \"nested_blocksize\": 0, \"nested_dtype\": \"float32\", \"nested_offset\": 0.1}",
        "{\"quant_type\": \"nf4\", \"blocksize\": 64, \"dtype\": \"float32\", \"shape\": [64, 64],"
            + " \"nested_blocksize\": 256, \"nested_dtype\": \"float32\", \"nested_offset\": 1e99}",
        "{\"quant_type\": \"nf4\", \"quant_type\": \"nf4\"}"
      })
  void statesThatMakeNoSenseAreRefused(String state) throws IOException {
    assertRefused(
        changed(
            BitsAndBytesConfig.nf4(),
            t -> {
              t.put(STATE, json(state));
            },
            json -> json),
        Q + ".weight");
  }

  @Test
  void aForeignCodeBookIsRefused() throws IOException {
    assertRefused(
        changed(
            BitsAndBytesConfig.nf4(),
            t -> t.put(Q + ".weight.quant_map", Tensor.zeros(DType.F32, Device.CPU, 16)),
            json -> json),
        Q + ".weight.quant_map",
        "nf4");
  }
}
