package io.github.lora4j.peft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.github.lora4j.data.Batch;
import io.github.lora4j.error.AdapterMismatchException;
import io.github.lora4j.error.UnsupportedModelException;
import io.github.lora4j.io.SafeTensors;
import io.github.lora4j.model.AutoModelForCausalLM;
import io.github.lora4j.model.CausalLM;
import io.github.lora4j.model.DecodingSession;
import io.github.lora4j.nn.ForwardContext;
import io.github.lora4j.tensor.Generator;
import io.github.lora4j.tensor.NativeMemory;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import io.github.lora4j.testing.Fixtures;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SeveralAdaptersTest {

  private static final Path LLAMA = Fixtures.path("/llama/llama");
  private static final double CLOSE = 1e-5;

  @TempDir Path dir;
  private CausalLM base;
  private PeftModel<CausalLM> peft;
  private Batch batch;
  private TensorScope scope;

  @BeforeEach
  void load() {
    base = AutoModelForCausalLM.fromPretrained(LLAMA.resolve("base"));
    peft = PeftModel.wrap(base, random(4, "q_proj", "v_proj"));
    peft.addAdapter("other", random(2, "q_proj", "up_proj", "lm_head"), 7);
    try (SafeTensors batches = SafeTensors.open(LLAMA.resolve("train/batches.safetensors"))) {
      batch = Fixtures.batch(batches, ".0");
    }
    scope = TensorScope.open();
  }

  @AfterEach
  void close() {
    scope.close();
    peft.close();
    base.close();
  }

  private static LoraConfig random(int r, String... targets) {
    return LoraConfig.builder()
        .r(r)
        .targetModules(targets)
        .initLoraWeights(InitLoraWeights.RANDOM)
        .build();
  }

  private Tensor logits(String... adapters) {
    peft.setAdapter(adapters);
    return peft.model().logits(batch);
  }

  private static void assertClose(Tensor actual, Tensor expected) {
    assertThat(Fixtures.relativeDifference(actual, expected)).isLessThan(CLOSE);
  }

  @Test
  void theFirstIsActiveUntilAnotherIsSet() {
    assertThat(peft.activeAdapters()).containsExactly("default");
    assertThat(peft.adapterNames()).containsExactly("default", "other");
    try (PeftModel<CausalLM> alone =
        PeftModel.wrap(base, random(2, "q_proj", "up_proj", "lm_head"), 7)) {
      assertThat(logits("other").equal(alone.model().logits(batch))).isTrue();
      assertThat(peft.targetedModuleNames()).isEqualTo(alone.targetedModuleNames());
      assertThat(peft.config()).isEqualTo(alone.config());
    }
    try (PeftModel<CausalLM> alone = PeftModel.wrap(base, random(4, "q_proj", "v_proj"))) {
      assertThat(logits("default").equal(alone.model().logits(batch))).isTrue();
    }
    assertThat(logits().equal(base.logits(batch))).isTrue();
  }

  @Test
  void activeAdaptersAddUpMergedAndNot() {
    Tensor both = logits("default", "other");
    assertThat(Fixtures.relativeDifference(both, logits("default"))).isGreaterThan(1e-2);
    assertThat(Fixtures.relativeDifference(both, logits("other"))).isGreaterThan(1e-2);
    peft.mergeAdapter(true, List.of("other", "default"));
    assertThat(peft.mergedAdapters()).containsExactly("other", "default");
    assertClose(peft.model().logits(batch), both);
    assertThatIllegalStateException()
        .isThrownBy(() -> peft.setAdapter("default"))
        .withMessageContaining("unmergeAdapter");
    peft.unmergeAdapter();
    assertThat(logits("default", "other").equal(both)).isTrue();
    try (CausalLM merged = peft.mergeAndUnload()) {
      assertClose(merged.logits(batch), both);
    }
    try (CausalLM merged = peft.mergeAndUnload(true, List.of("other"))) {
      assertClose(merged.logits(batch), logits("other"));
    }
  }

  @Test
  void onlyWhatIsActiveLearns() {
    assertThat(peft.trainableParameters()).hasSize(8);
    peft.setAdapter("other");
    assertThat(peft.trainableParameters().keySet())
        .hasSize(10)
        .contains("lm_head.lora_A.other.weight")
        .allMatch(name -> name.contains(".other."));
    try (Generator dropout = Generator.of(0)) {
      peft.setAdapter("other", "default");
      peft.lossAndBackward(batch, 1, ForwardContext.training(dropout));
    }
    Map<String, Tensor> learning = peft.trainableParameters();
    assertThat(learning).hasSize(18);
    learning.forEach((name, p) -> assertThat(p.grad()).as(name).isPresent());
    peft.setRequiresGrad(false, "other");
    assertThat(peft.trainableParameters()).hasSize(8);
    peft.setAdapter("other");
    assertThat(peft.trainableParameters()).isEmpty();
  }

  @Test
  void gradientsOfTwoActiveAdaptersAreLibtorchs() {
    peft.setAdapter("default", "other");
    List<float[]> gradients = new ArrayList<>();
    for (boolean plain : List.of(true, false)) {
      try (Generator dropout = Generator.of(0)) {
        peft.lossAndBackward(batch, 1, ForwardContext.training(dropout).plain(plain));
      }
      for (Tensor p : peft.trainableParameters().values()) {
        gradients.add(p.grad().orElseThrow().toFloatArray());
        p.clearGrad();
      }
    }
    int count = gradients.size() / 2;
    for (int i = 0; i < count; i++) {
      float[] plain = gradients.get(i);
      float[] fused = gradients.get(i + count);
      assertThat(
              Fixtures.relativeDifference(
                  Tensor.of(fused, fused.length), Tensor.of(plain, plain.length)))
          .isLessThan(1e-5);
    }
  }

  @Test
  void deletingTheActiveOneSetsAnother() {
    Tensor other = logits("other");
    peft.setAdapter("default");
    peft.deleteAdapter("default");
    assertThat(peft.activeAdapters()).containsExactly("other");
    assertThat(peft.model().logits(batch).equal(other)).isTrue();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> peft.setAdapter("default"))
        .withMessageContaining("other");
    peft.deleteAdapter("other");
    assertThat(peft.activeAdapters()).isEmpty();
    assertThat(peft.model().logits(batch).equal(base.logits(batch))).isTrue();
    assertThatIllegalStateException().isThrownBy(peft::config);
  }

  @Test
  void aRenamedAdapterIsTheSame() {
    Tensor other = logits("other");
    peft.renameAdapter("other", "sql");
    assertThat(peft.activeAdapters()).containsExactly("sql");
    assertThat(peft.adapterNames()).containsExactly("default", "sql");
    assertThat(logits("sql").equal(other)).isTrue();
    assertThat(peft.trainableParameters()).containsKey("lm_head.lora_B.sql.weight");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", " a", "a.b", "a/b", "..", "__base__", "default", "a\\b"})
  void namesThatAreNoneOrTakenAreRefused(String name) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> peft.addAdapter(name, random(2, "q_proj")));
    assertThat(peft.adapterNames()).hasSize(2);
  }

  @Test
  void aFailedAdapterLeavesNothingBehind() {
    assertThatExceptionOfType(AdapterMismatchException.class)
        .isThrownBy(() -> peft.addAdapter("typo", random(2, "q_porj")));
    assertThat(peft.adapterNames()).hasSize(2);
    assertThat(peft.modelStatus().availableAdapters()).containsExactly("default", "other");
  }

  @Test
  void eachRowCanUseAnAdapterOfItsOwn() {
    int rows = 4;
    int[] ids = new int[rows * 5];
    int[] ones = new int[rows * 5];
    Arrays.setAll(ids, i -> 3 + i);
    Arrays.fill(ones, 1);
    batch = new Batch(rows, 5, ids, ones, ids);
    List<String> names = new ArrayList<>();
    List<Tensor> expected = new ArrayList<>();
    List<String> choice = List.of("other", "__base__", "default");
    for (int row = 0; row < rows; row++) {
      String name = choice.get(row % 3);
      names.add(name);
      Tensor all = name.equals("__base__") ? base.logits(batch) : logits(name);
      expected.add(all.narrow(0, row, 1));
    }
    Tensor mixed = peft.withAdapterNames(names).logits(batch);
    assertClose(mixed, Tensor.cat(expected, 0));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> peft.withAdapterNames(List.of("other", "default")).logits(batch))
        .withMessageContaining("2 rows");
    assertThatIllegalArgumentException().isThrownBy(() -> peft.withAdapterNames(List.of("nobody")));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> peft.withAdapterNames(names).loss(batch, ForwardContext.eval()))
        .withMessageContaining("adapter by adapter");
    peft.mergeAdapter();
    assertThatIllegalStateException().isThrownBy(() -> peft.withAdapterNames(names));
  }

  @Test
  void rowsOfOneGenerationUseDifferentAdapters() {
    int[][] prompts = {{3, 4, 5}, {6, 7}, {8, 9, 10}};
    List<String> names = List.of("other", "default", "__base__");
    float[][] mixed = afterTwoTokens(peft.withAdapterNames(names), prompts);
    for (int row = 0; row < prompts.length; row++) {
      CausalLM alone = base;
      if (!names.get(row).equals("__base__")) {
        peft.setAdapter(names.get(row));
        alone = peft.model();
      }
      float[] expected = afterTwoTokens(alone, new int[][] {prompts[row]})[0];
      assertClose(Tensor.of(mixed[row], mixed[row].length), Tensor.of(expected, expected.length));
    }
  }

  private static float[][] afterTwoTokens(CausalLM model, int[][] prompts) {
    try (DecodingSession session = model.startDecoding(prompts, 8)) {
      for (int i = 0; i < 2; i++) {
        int[] tokens = new int[prompts.length];
        Arrays.fill(tokens, 11 + i);
        session.append(tokens);
      }
      return session.logits().clone();
    }
  }

  @Test
  void aScaleMultipliesTheUpdate() {
    Tensor plain = logits("default");
    try (CausalLM merged = peft.mergeAndUnload()) {
      peft.setScale("default", 0);
      assertThat(logits("default").equal(merged.logits(batch))).isFalse();
    }
    assertClose(logits("default"), base.logits(batch));
    peft.unscaleLayer();
    assertThat(logits("default").equal(plain)).isTrue();
    peft.scaleLayer(2);
    peft.scaleLayer(0.25);
    Tensor half = logits("default");
    assertThat(Fixtures.relativeDifference(half, plain)).isGreaterThan(1e-3);
    peft.unscaleLayer();
    try (var scaled = peft.rescaleAdapterScale(0.5)) {
      assertThat(peft.model().logits(batch).equal(half)).isTrue();
      peft.mergeAdapter();
      assertClose(peft.model().logits(batch), half);
      peft.unmergeAdapter();
    }
    assertThat(logits("default").equal(plain)).isTrue();
  }

  @Test
  void eachIsSavedInItsFolderAndLoadsFromThere() {
    Tensor both = logits("default", "other");
    peft.savePretrained(dir);
    assertThat(dir.resolve("adapter_config.json")).exists();
    assertThat(dir.resolve("other/adapter_model.safetensors")).exists();
    try (PeftModel<CausalLM> again =
        PeftModel.fromPretrained(base, dir.resolve("other"), "other", false)) {
      again.loadAdapter(dir, "first");
      again.setAdapter("first", "other");
      assertThat(again.trainableParameters()).isEmpty();
      assertThat(again.model().logits(batch).equal(both)).isTrue();
      again.savePretrained(dir.resolve("again"), "first");
      assertThat(Files.exists(dir.resolve("again/first/adapter_config.json"))).isTrue();
      assertThat(Files.exists(dir.resolve("again/other"))).isFalse();
    }
  }

  @Test
  void hotSwappingReplacesNumbersInPlace() {
    try (PeftModel<CausalLM> small = PeftModel.wrap(base, random(3, "q_proj"), 11)) {
      small.savePretrained(dir.resolve("small"));
      CausalLM view = peft.model();
      Tensor a = peft.trainableParameters().get("model.layers.0.self_attn.q_proj.lora_A.weight");
      peft.hotSwap(dir.resolve("small"), "default");
      assertThat(peft.trainableParameters())
          .containsEntry("model.layers.0.self_attn.q_proj.lora_A.weight", a);
      assertClose(view.logits(batch), small.model().logits(batch));
      peft.savePretrained(dir.resolve("saved"), "default");
      try (PeftModel<CausalLM> saved = PeftModel.fromPretrained(base, dir.resolve("saved"))) {
        assertThat(saved.config().r()).isEqualTo(3);
        assertThat(saved.model().logits(batch).equal(small.model().logits(batch))).isTrue();
      }
      peft.savePretrained(dir);
      assertThatExceptionOfType(AdapterMismatchException.class)
          .isThrownBy(() -> peft.hotSwap(dir.resolve("other"), "default"))
          .withMessageContaining("lm_head: the adapter \"default\" has no update here");
    }
    try (PeftModel<CausalLM> large = PeftModel.wrap(base, random(5, "q_proj"), 11)) {
      large.savePretrained(dir.resolve("large"));
      assertThatExceptionOfType(AdapterMismatchException.class)
          .isThrownBy(() -> peft.hotSwap(dir.resolve("large"), "default"))
          .withMessageContaining("q_proj: rank 5, but there is room for 4");
    }
  }

  @Test
  void whatLeftAnotherPartOfTheBaseIsNotSwappedIn() {
    LoraConfig olora = random(4, "q_proj").toBuilder().initLoraWeights("olora").build();
    peft.addAdapter("olora", olora);
    try (PeftModel<CausalLM> stronger = PeftModel.wrap(base, olora.toBuilder().alpha(32).build())) {
      stronger.savePretrained(dir.resolve("stronger"));
      assertThatExceptionOfType(AdapterMismatchException.class)
          .isThrownBy(() -> peft.hotSwap(dir.resolve("stronger"), "olora"))
          .withMessageContaining("scaling 8.0 instead of 2.0");
    }
    LoraConfig pissa = random(4, "q_proj").toBuilder().initLoraWeights("pissa").build();
    peft.addAdapter("pissa", pissa);
    try (PeftModel<CausalLM> low = PeftModel.wrap(base, pissa.toBuilder().r(2).build())) {
      low.savePretrained(dir.resolve("low"));
      assertThatExceptionOfType(AdapterMismatchException.class)
          .isThrownBy(() -> peft.hotSwap(dir.resolve("low"), "pissa"))
          .withMessageContaining("rank 2 instead of 4");
    }
  }

  @Test
  void roundingTheBaseNeedsTheModuleThatCan() {
    LoraConfig loftq =
        random(4, "q_proj").toBuilder()
            .initLoraWeights(InitLoraWeights.LOFTQ)
            .loftqConfig(LoftQConfig.DEFAULT)
            .build();
    long handles = NativeMemory.liveHandles();
    assertThatExceptionOfType(UnsupportedModelException.class)
        .isThrownBy(() -> PeftModel.wrap(base, loftq))
        .withMessageContaining("\"loftq\"")
        .withMessageContaining("io.github.lora4j:lora-quant");
    assertThat(NativeMemory.liveHandles()).isEqualTo(handles);
  }

  @Test
  void statusSaysWhereAdaptersStand() {
    LayerStatus q = peft.layerStatus().get(0);
    assertThat(q.name()).isEqualTo("model.layers.0.self_attn.q_proj");
    assertThat(q.moduleType()).isEqualTo("DenseLinear");
    assertThat(q.availableAdapters()).containsExactly("default", "other");
    assertThat(q.requiresGrad())
        .containsEntry("default", Consistency.TRUE)
        .containsEntry("other", Consistency.FALSE);
    ModelStatus status = peft.modelStatus();
    assertThat(status.numAdapterLayers()).isEqualTo(7);
    assertThat(status.baseModelType()).isEqualTo("LlamaForCausalLM");
    assertThat(status.peftTypes()).containsEntry("other", "LORA");
    assertThat(status.activeAdapters()).containsExactly("default");
    assertThat(status.mergedAdapters()).isEmpty();
    assertThat(status.enabled()).isTrue();
    assertThat(status.trainableParams()).isEqualTo(1792 / 2);
    assertThat(status.requiresGrad()).containsEntry("default", Consistency.TRUE);
    peft.mergeAdapter(true, List.of("other"));
    peft.disableAdapterLayers();
    assertThat(peft.modelStatus().mergedAdapters()).containsExactly("other");
    assertThat(peft.modelStatus().enabled()).isFalse();
  }
}
