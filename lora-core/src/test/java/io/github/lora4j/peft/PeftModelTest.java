package io.github.lora4j.peft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.within;

import io.github.lora4j.data.Batch;
import io.github.lora4j.error.AdapterMismatchException;
import io.github.lora4j.error.LoraException;
import io.github.lora4j.io.SafeTensors;
import io.github.lora4j.io.SafeTensorsWriter;
import io.github.lora4j.model.AutoModelForCausalLM;
import io.github.lora4j.model.CausalLM;
import io.github.lora4j.model.LoadOptions;
import io.github.lora4j.nn.ForwardContext;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Generator;
import io.github.lora4j.tensor.NativeMemory;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import io.github.lora4j.testing.Fixtures;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class PeftModelTest {

  private static final Path LLAMA = Fixtures.path("/llama/llama");
  private static final Path ADAPTER = LLAMA.resolve("adapters/plain/adapter");

  @TempDir Path dir;
  private CausalLM base;
  private Batch batch;
  private TensorScope scope;

  @BeforeEach
  void load() {
    base = AutoModelForCausalLM.fromPretrained(LLAMA.resolve("base"));
    try (SafeTensors batches = SafeTensors.open(LLAMA.resolve("train/batches.safetensors"))) {
      batch = Fixtures.batch(batches, ".0");
    }
    scope = TensorScope.open();
  }

  @AfterEach
  void close() {
    scope.close();
    base.close();
  }

  private static LoraConfig random(int r) {
    return LoraConfig.builder()
        .r(r)
        .targetModules("q_proj", "v_proj")
        .initLoraWeights(InitLoraWeights.RANDOM)
        .build();
  }

  @ParameterizedTest
  @EnumSource(
      value = InitLoraWeights.Method.class,
      names = {"KAIMING", "GAUSSIAN"})
  void aFreshAdapterChangesNothingAtAll(InitLoraWeights.Method init) {
    LoraConfig config =
        LoraConfig.builder()
            .targetModules("all-linear")
            .initLoraWeights(new InitLoraWeights(init, 0))
            .build();
    try (PeftModel<CausalLM> peft = PeftModel.wrap(base, config)) {
      assertThat(peft.model().logits(batch).equal(base.logits(batch))).isTrue();
    }
  }

  @Test
  void firstWeightsFollowPeftsDistributionsAndTheSeed() {
    LoraConfig kaiming = LoraConfig.builder().r(16).targetModules("q_proj").build();
    LoraConfig gaussian = kaiming.toBuilder().initLoraWeights(InitLoraWeights.GAUSSIAN).build();
    try (PeftModel<CausalLM> one = PeftModel.wrap(base, kaiming, 5);
        PeftModel<CausalLM> same = PeftModel.wrap(base, kaiming, 5);
        PeftModel<CausalLM> other = PeftModel.wrap(base, kaiming, 6);
        PeftModel<CausalLM> normal = PeftModel.wrap(base, gaussian, 5)) {
      String a = "model.layers.0.self_attn.q_proj.lora_A.weight";
      float[] uniform = one.trainableParameters().get(a).toFloatArray();
      double bound = 1 / Math.sqrt(32);
      double largest = 0;
      double sum = 0;
      for (float weight : uniform) {
        largest = Math.max(largest, Math.abs(weight));
        sum += weight;
      }
      assertThat(largest).isBetween(0.98 * bound, bound);
      assertThat(sum / uniform.length).isCloseTo(0, within(0.02));
      assertThat(same.trainableParameters().get(a).toFloatArray()).containsExactly(uniform);
      assertThat(other.trainableParameters().get(a).toFloatArray()).isNotEqualTo(uniform);
      double squares = 0;
      for (float weight : normal.trainableParameters().get(a).toFloatArray()) {
        squares += weight * weight;
      }
      assertThat(Math.sqrt(squares / uniform.length)).isCloseTo(1.0 / 16, within(0.01));
    }
  }

  @Test
  void trainableParametersAreCountedAsInTheFormulaAndSaidInPeftsWords() {
    try (PeftModel<CausalLM> peft = PeftModel.wrap(base, random(8))) {
      long perLayer = 8 * (32 + 32) + 8 * (32 + 16);
      assertThat(peft.trainableParametersSummary())
          .isEqualTo(
              String.format(
                  Locale.ROOT,
                  "trainable params: %,d || all params: %,d || trainable%%: %.4f",
                  2 * perLayer,
                  base.parameterCount() + 2 * perLayer,
                  100.0 * 2 * perLayer / (base.parameterCount() + 2 * perLayer)));
      assertThat(peft.trainableParametersSummary())
          .isEqualTo("trainable params: 1,792 || all params: 19,872 || trainable%: 9.0177");
    }
  }

  @Test
  void theBaseStaysAsItIsUnderTwoAdapters() {
    Tensor before = base.logits(batch);
    try (PeftModel<CausalLM> one = PeftModel.wrap(base, random(2), 1);
        PeftModel<CausalLM> two = PeftModel.wrap(base, random(4), 2)) {
      Tensor first = one.model().logits(batch);
      assertThat(first.equal(before)).isFalse();
      assertThat(two.model().logits(batch).equal(first)).isFalse();
      two.mergeAdapter();
      assertThat(one.model().logits(batch).equal(first)).isTrue();
      assertThat(base.logits(batch).equal(before)).isTrue();
    }
    assertThat(base.logits(batch).equal(before)).isTrue();
  }

  @Test
  void trainingReachesTheAdapterAloneAndLeavesTheBasesBytes() {
    Map<String, float[]> before = new LinkedHashMap<>();
    base.parameters().forEach((name, weight) -> before.put(name, weight.toFloatArray()));
    try (PeftModel<CausalLM> peft = PeftModel.wrap(base, random(4));
        Generator dropout = Generator.of(0)) {
      peft.lossAndBackward(batch, 1, ForwardContext.training(dropout));
      assertThat(peft.trainableParameters().keySet())
          .allMatch(name -> name.endsWith("lora_A.weight") || name.endsWith("lora_B.weight"))
          .hasSize(8);
      peft.trainableParameters()
          .values()
          .forEach(
              weight ->
                  assertThat(weight.grad().orElseThrow().abs().sum().item()).isGreaterThan(0));
    }
    base.parameters()
        .forEach(
            (name, weight) -> {
              assertThat(weight.toFloatArray()).as(name).containsExactly(before.get(name));
              assertThat(weight.grad()).isEmpty();
            });
  }

  @Test
  void dropoutActsInTrainingOnly() {
    LoraConfig config = random(4).toBuilder().dropout(0.5).build();
    try (PeftModel<CausalLM> peft = PeftModel.wrap(base, config);
        Generator dropout = Generator.of(0)) {
      double first = peft.lossAndBackward(batch, 1, ForwardContext.training(dropout));
      double second = peft.lossAndBackward(batch, 1, ForwardContext.training(dropout));
      assertThat(first).isNotEqualTo(second);
      ForwardContext eval = ForwardContext.eval();
      assertThat(peft.loss(batch, eval)).isEqualTo(peft.loss(batch, eval));
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F32", "BF16", "F16"})
  void unmergingRestoresTheVeryBits(DType dtype) {
    LoadOptions options = LoadOptions.builder().dtype(dtype).build();
    try (CausalLM half = AutoModelForCausalLM.fromPretrained(LLAMA.resolve("base"), options);
        PeftModel<CausalLM> peft = PeftModel.wrap(half, random(4))) {
      Tensor before = peft.model().logits(batch);
      Tensor baseBefore = half.logits(batch);
      peft.mergeAdapter(true);
      assertThat(peft.isMerged()).isTrue();
      assertThat(peft.model().logits(batch).equal(before)).isFalse();
      assertThatIllegalStateException()
          .isThrownBy(
              () -> peft.lossAndBackward(batch, 1, ForwardContext.training(Generator.of(0))))
          .withMessageContaining("unmergeAdapter");
      peft.unmergeAdapter();
      assertThat(peft.model().logits(batch).equal(before)).isTrue();
      assertThat(half.logits(batch).equal(baseBefore)).isTrue();
    }
  }

  @Test
  void aMergedModelOutlivesTheBaseAndSavesAsAnOrdinaryCheckpoint() {
    CausalLM merged;
    Tensor expected;
    try (CausalLM shortLived = AutoModelForCausalLM.fromPretrained(LLAMA.resolve("base"));
        PeftModel<CausalLM> peft = PeftModel.wrap(shortLived, random(4))) {
      merged = peft.mergeAndUnload();
      peft.mergeAdapter();
      expected = peft.model().logits(batch);
    }
    try (merged) {
      assertThat(merged.logits(batch).equal(expected)).isTrue();
      merged.savePretrained(dir);
    }
    try (CausalLM again = AutoModelForCausalLM.fromPretrained(dir)) {
      assertThat(again.logits(batch).equal(expected)).isTrue();
      assertThat(again.parameters().keySet()).isEqualTo(base.parameters().keySet());
    }
  }

  @Test
  void aModelSeenThroughAnAdapterIsNotSavedAsACheckpoint() {
    try (PeftModel<CausalLM> peft = PeftModel.wrap(base, random(4))) {
      assertThatIllegalStateException()
          .isThrownBy(() -> peft.model().savePretrained(dir))
          .withMessageContaining("PeftModel.savePretrained");
    }
  }

  @Test
  void adaptersOfHalfPrecisionModelsAreFloat32() {
    LoadOptions options = LoadOptions.builder().dtype(DType.BF16).build();
    try (CausalLM half = AutoModelForCausalLM.fromPretrained(LLAMA.resolve("base"), options);
        PeftModel<CausalLM> peft = PeftModel.wrap(half, random(4))) {
      assertThat(peft.model().logits(batch).dtype()).isEqualTo(DType.BF16);
      peft.savePretrained(dir);
    }
    try (SafeTensors saved = SafeTensors.open(dir.resolve("adapter_model.safetensors"))) {
      assertThat(saved.names()).allMatch(name -> saved.info(name).dtype() == DType.F32);
    }
  }

  private Path damaged(Consumer<Map<String, Tensor>> change) throws IOException {
    Files.copy(ADAPTER.resolve("adapter_config.json"), dir.resolve("adapter_config.json"));
    try (SafeTensors adapter = SafeTensors.open(ADAPTER.resolve("adapter_model.safetensors"))) {
      Map<String, Tensor> tensors = new LinkedHashMap<>();
      adapter.names().forEach(name -> tensors.put(name, adapter.tensor(name)));
      change.accept(tensors);
      SafeTensorsWriter.write(dir.resolve("adapter_model.safetensors"), tensors);
    }
    return dir;
  }

  @Test
  void allKeysThatDoNotFitAreListedInOneError() throws IOException {
    String q = "base_model.model.model.layers.0.self_attn.q_proj.";
    Path folder =
        damaged(
            tensors -> {
              tensors.remove(q + "lora_B.weight");
              tensors.put(q + "lora_A.weight", Tensor.of(new float[6], 2, 3));
              tensors.put("base_model.model.lm_head.lora_A.weight", Tensor.of(new float[6], 2, 3));
            });
    assertThatExceptionOfType(AdapterMismatchException.class)
        .isThrownBy(() -> PeftModel.fromPretrained(base, folder))
        .withMessageContaining(folder.resolve("adapter_model.safetensors").toString())
        .withMessageContaining("missing: " + q + "lora_B.weight")
        .withMessageContaining("unexpected: base_model.model.lm_head.lora_A.weight")
        .withMessageContaining(
            "misshapen: " + q + "lora_A.weight (expected [4, 32], found [2, 3])");
  }

  @Test
  void anAdapterWithoutWeightsSaysWhatIsMissing() throws IOException {
    Files.copy(ADAPTER.resolve("adapter_config.json"), dir.resolve("adapter_config.json"));
    Files.writeString(dir.resolve("adapter_model.bin"), "pickle");
    assertThatExceptionOfType(AdapterMismatchException.class)
        .isThrownBy(() -> PeftModel.fromPretrained(base, dir))
        .withMessageContaining("adapter_model.safetensors is missing")
        .withMessageContaining("safe_serialization");
  }

  @Test
  void aSafeMergeRefusesWhatIsNotFiniteAndMergesNothing() throws IOException {
    String key = "base_model.model.model.layers.1.self_attn.v_proj.lora_A.weight";
    Path folder =
        damaged(
            tensors -> {
              float[] values = tensors.get(key).toFloatArray();
              values[3] = Float.NaN;
              tensors.put(key, Tensor.of(values, 4, 32));
            });
    try (PeftModel<CausalLM> peft = PeftModel.fromPretrained(base, folder)) {
      assertThatExceptionOfType(LoraException.class)
          .isThrownBy(() -> peft.mergeAdapter(true))
          .withMessageContaining("model.layers.1.self_attn.v_proj");
      assertThat(peft.isMerged()).isFalse();
      assertThatExceptionOfType(LoraException.class).isThrownBy(peft::mergeAndUnload);
    }
  }

  @Test
  void aNameThatMatchesNothingSuggestsTheNearest() {
    LoraConfig typo = LoraConfig.builder().targetModules("q_proj", "v_porj").build();
    assertThatExceptionOfType(AdapterMismatchException.class)
        .isThrownBy(() -> PeftModel.wrap(base, typo))
        .withMessageContaining("v_porj")
        .withMessageContaining("v_proj");
  }

  @Test
  void withoutTargetsTheFamilysDefaultsAreUsed() {
    try (PeftModel<CausalLM> peft = PeftModel.wrap(base, LoraConfig.builder().build())) {
      assertThat(peft.targetedModuleNames())
          .containsExactly(
              "model.layers.0.self_attn.q_proj",
              "model.layers.0.self_attn.v_proj",
              "model.layers.1.self_attn.q_proj",
              "model.layers.1.self_attn.v_proj");
    }
  }

  @Test
  void aBaseThatLearnsItselfIsRefused() {
    base.requiresGrad(true);
    assertThatIllegalStateException()
        .isThrownBy(() -> PeftModel.wrap(base, random(4)))
        .withMessageContaining("requiresGrad(false)");
  }

  @Test
  void anAdapterAroundAnAdapterIsRefused() {
    try (PeftModel<CausalLM> peft = PeftModel.wrap(base, random(4))) {
      assertThatIllegalStateException()
          .isThrownBy(() -> PeftModel.wrap(peft.model(), random(2)))
          .withMessageContaining("baseModel()");
    }
  }

  @Test
  void loadedAdaptersAreFrozenUnlessTheyAreToLearnOn() {
    try (PeftModel<CausalLM> frozen = PeftModel.fromPretrained(base, ADAPTER);
        PeftModel<CausalLM> learning = PeftModel.fromPretrained(base, ADAPTER, true)) {
      assertThat(frozen.trainableParameters()).isEmpty();
      assertThat(learning.trainableParameters()).hasSize(8);
    }
  }

  @Test
  void everyHandleOfAnAdapterIsGivenBack() {
    List<Long> counts = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      try (PeftModel<CausalLM> peft = PeftModel.wrap(base, random(4))) {
        peft.mergeAdapter();
        peft.mergeAndUnload().close();
        peft.loss(batch, ForwardContext.eval());
      }
      counts.add(NativeMemory.liveHandles());
    }
    assertThat(counts.get(2) - counts.get(0)).as(counts.toString()).isLessThan(10);
  }

  @Test
  void useAfterCloseIsAnErrorAndClosingTwiceIsNot() {
    PeftModel<CausalLM> peft = PeftModel.wrap(base, random(4));
    peft.close();
    peft.close();
    assertThatIllegalStateException().isThrownBy(peft::model);
    assertThat(peft).hasToString("closed PeftModel");
    assertThat(base.logits(batch).numel()).isPositive();
  }
}
