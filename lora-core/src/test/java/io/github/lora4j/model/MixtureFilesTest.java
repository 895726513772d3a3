package io.github.lora4j.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.github.lora4j.error.CheckpointFormatException;
import io.github.lora4j.error.UnsupportedModelException;
import io.github.lora4j.io.Checkpoint;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import io.github.lora4j.testing.Fixtures;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Configurations and checkpoints of mixtures of experts. */
class MixtureFilesTest {

  private static final int[] IDS = {4, 9, 13, 7, 21};
  private static final int[] MASK = {1, 1, 1, 1, 1};

  @TempDir private Path dir;

  private static Path base(String family) {
    return Fixtures.path("/experts/" + family + "/base");
  }

  private Path changed(String family, Consumer<Map<String, Tensor>> change) throws IOException {
    return ChangedFolder.of(base(family), dir.resolve("changed"), change, json -> json);
  }

  private static void assertSameAnswers(Path one, Path other) {
    try (CausalLM first = AutoModelForCausalLM.fromPretrained(one);
        CausalLM second = AutoModelForCausalLM.fromPretrained(other);
        TensorScope scope = TensorScope.open()) {
      assertThat(second.logits(IDS, MASK, 1).equal(first.logits(IDS, MASK, 1))).isTrue();
    }
  }

  /** Puts a family's experts into stacks, as transformers holds them. */
  private static void stack(Map<String, Tensor> tensors, String prefix, String... parts) {
    List<Tensor> experts = new ArrayList<>();
    for (int e = 0; tensors.containsKey(prefix + e + "." + parts[0] + ".weight"); e++) {
      List<Tensor> own = new ArrayList<>();
      for (String part : parts) {
        own.add(tensors.remove(prefix + e + "." + part + ".weight"));
      }
      experts.add(Tensor.cat(own, 0).unsqueeze(0));
    }
    String name = parts.length == 2 ? "gate_up_proj" : "down_proj";
    tensors.put(prefix + name, Tensor.cat(experts, 0));
  }

  @ParameterizedTest
  @ValueSource(strings = {"mixtral", "qwen3_moe"})
  void expertsAreWrittenOneByOneAsTransformersWritesThem(String family) {
    Path saved = dir.resolve("saved");
    try (CausalLM model = AutoModelForCausalLM.fromPretrained(base(family))) {
      assertThat(model.parameters())
          .containsKeys(
              "model.layers.0.mlp.gate.weight",
              "model.layers.0.mlp.experts.gate_up_proj",
              "model.layers.0.mlp.experts.down_proj");
      model.savePretrained(saved);
    }
    try (Checkpoint before = Checkpoint.open(base(family));
        Checkpoint after = Checkpoint.open(saved);
        TensorScope scope = TensorScope.open()) {
      assertThat(after.names()).containsExactlyInAnyOrderElementsOf(before.names());
      for (String name : before.names()) {
        assertThat(after.tensor(name).equal(before.tensor(name))).as(name).isTrue();
      }
    }
    assertSameAnswers(base(family), saved);
  }

  @Test
  void stacksOfMixtralAreReadByEitherName() throws IOException {
    for (String module : List.of("mlp", "block_sparse_moe")) {
      Path stacked =
          changed(
              "mixtral",
              tensors -> {
                String prefix = "model.layers.1.block_sparse_moe.";
                stack(tensors, prefix + "experts.", "w1", "w3");
                stack(tensors, prefix + "experts.", "w2");
                for (String name :
                    List.of("gate.weight", "experts.gate_up_proj", "experts.down_proj")) {
                  Tensor tensor = tensors.remove(prefix + name);
                  tensors.put("model.layers.1." + module + "." + name, tensor);
                }
              });
      assertSameAnswers(base("mixtral"), stacked);
    }
  }

  @Test
  void stacksOfQwenAreRead() throws IOException {
    Path stacked =
        changed(
            "qwen3_moe",
            tensors -> stack(tensors, "model.layers.2.mlp.experts.", "gate_proj", "up_proj"));
    assertSameAnswers(base("qwen3_moe"), stacked);
  }

  @Test
  void stacksTakeTheDtypeThatIsAskedFor() {
    LoadOptions options = LoadOptions.builder().dtype(DType.BF16).build();
    try (CausalLM model = AutoModelForCausalLM.fromPretrained(base("mixtral"), options)) {
      assertThat(model.parameters().get("model.layers.0.mlp.experts.down_proj").dtype())
          .isEqualTo(DType.BF16);
    }
  }

  @Test
  void expertsOfSeveralDtypesGetTheOneOfTheConfiguration() throws IOException {
    String odd = "model.layers.0.block_sparse_moe.experts.1.w1.weight";
    Path mixed =
        changed("mixtral", tensors -> tensors.computeIfPresent(odd, (n, t) -> t.to(DType.BF16)));
    try (CausalLM model = AutoModelForCausalLM.fromPretrained(mixed)) {
      assertThat(model.parameters().get("model.layers.0.mlp.experts.gate_up_proj").dtype())
          .isEqualTo(DType.F32);
    }
  }

  @Test
  void whatIsMissingOfAnExpertIsNamed() throws IOException {
    Path folder =
        changed(
            "mixtral",
            tensors -> {
              tensors.remove("model.layers.0.block_sparse_moe.experts.1.w3.weight");
              tensors.computeIfPresent(
                  "model.layers.0.block_sparse_moe.experts.2.w2.weight",
                  (name, tensor) -> tensor.transpose(0, 1).contiguous());
            });
    assertThatExceptionOfType(CheckpointFormatException.class)
        .isThrownBy(() -> AutoModelForCausalLM.fromPretrained(folder))
        .withMessageContaining("experts.1.w3.weight")
        .withMessageContaining("experts.2.w2.weight (expected [16, 8], found [8, 16])");
  }

  @ParameterizedTest
  @CsvSource({"2147483647", "100000", "5", "2"})
  void anotherNumberOfExpertsIsOneError(String count) throws IOException {
    Path folder =
        ChangedFolder.of(
            base("mixtral"),
            dir,
            tensors -> {},
            json -> ChangedFolder.with(json, "num_local_experts", count));
    assertThatExceptionOfType(CheckpointFormatException.class)
        .isThrownBy(() -> AutoModelForCausalLM.fromPretrained(folder))
        .satisfies(e -> assertThat(e.getMessage()).hasSizeLessThan(4000));
  }

  // ---- config.json

  private static MlpSpec mlp(String modelType, int layer, String keys) {
    return ConfigTexts.spec(modelType, keys).blocks().get(layer).mlp();
  }

  @Test
  void defaultsAreThoseOfTransformers() {
    MlpSpec.Experts mixtral = (MlpSpec.Experts) mlp("mixtral", 0, "");
    assertThat(mixtral.count()).isEqualTo(8);
    assertThat(mixtral.perToken()).isEqualTo(2);
    assertThat(mixtral.normalised()).isTrue();
    assertThat(mixtral.intermediateSize()).isEqualTo(112);
    MlpSpec.Experts qwen = (MlpSpec.Experts) mlp("qwen3_moe", 0, "");
    assertThat(qwen.count()).isEqualTo(128);
    assertThat(qwen.perToken()).isEqualTo(8);
    assertThat(qwen.normalised()).isFalse();
    assertThat(qwen.intermediateSize()).isEqualTo(768);
  }

  @Test
  void bothNamesOfTheNumberOfExpertsAreRead() {
    for (String key : List.of("num_experts", "num_local_experts")) {
      assertThat(((MlpSpec.Experts) mlp("qwen3_moe", 0, "'" + key + "': 9")).count()).isEqualTo(9);
      assertThat(((MlpSpec.Experts) mlp("mixtral", 0, "'" + key + "': 9")).count()).isEqualTo(9);
    }
    assertThatExceptionOfType(CheckpointFormatException.class)
        .isThrownBy(() -> mlp("qwen3_moe", 0, "'num_experts': 9, 'num_local_experts': 10"))
        .withMessageContaining("num_experts");
  }

  @Test
  void layersWithoutAMixtureAreThoseThatTransformersLeaves() {
    DecoderSpec spec =
        ConfigTexts.spec("qwen3_moe", "'decoder_sparse_step': 2, 'mlp_only_layers': [3, 4]");
    List<Integer> sparse = new ArrayList<>();
    for (int layer = 0; layer < spec.numHiddenLayers(); layer++) {
      if (spec.blocks().get(layer).mlp() instanceof MlpSpec.Experts) {
        sparse.add(layer);
      }
    }
    assertThat(sparse).containsExactly(1, 5, 7);
    assertThat(mlp("qwen3_moe", 1, "'num_experts': 0")).isInstanceOf(MlpSpec.Gated.class);
  }

  @ParameterizedTest
  @ValueSource(strings = {"mixtral", "qwen3_moe"})
  void theBalancingLossIsRefusedWhereItIsAskedFor(String modelType) {
    assertThatExceptionOfType(UnsupportedModelException.class)
        .isThrownBy(() -> mlp(modelType, 0, "'output_router_logits': true"))
        .withMessageContaining("output_router_logits");
    assertThat(mlp(modelType, 0, "'router_aux_loss_coef': 0.5, 'router_jitter_noise': 0.1"))
        .isEqualTo(mlp(modelType, 0, ""));
  }

  @Test
  void aTokenGoesToNoMoreExpertsThanThereAre() {
    assertThatExceptionOfType(CheckpointFormatException.class)
        .isThrownBy(() -> mlp("mixtral", 0, "'num_experts_per_tok': 9"))
        .withMessageContaining("num_experts_per_tok")
        .withMessageContaining("8");
  }

  @Test
  void windowsAreOnlyThoseInUse() {
    assertThat(window("mixtral", "")).isZero();
    assertThat(window("mixtral", "'sliding_window': 12")).isEqualTo(12);
    assertThat(window("qwen3_moe", "'sliding_window': 12")).isZero();
    assertThat(window("qwen3_moe", "'sliding_window': 12, 'use_sliding_window': true"))
        .isEqualTo(12);
  }

  private static int window(String modelType, String keys) {
    return ConfigTexts.spec(modelType, keys).blocks().get(7).attention().shape().window().orElse(0);
  }

  @Test
  void expertsTooLargeToBeTrueAreRefusedBeforeAnythingIsBuilt() {
    ModelConfig config =
        ConfigTexts.config(
            "mixtral", "'num_local_experts': 2147483647, 'max_position_embeddings': 8");
    assertThatExceptionOfType(CheckpointFormatException.class)
        .isThrownBy(() -> SizeLimits.check(config, ModelFamilies.of(config).describe(config)))
        .withMessageContaining("num_local_experts");
  }
}
