package io.github.lora4j.peft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.lora4j.data.Batch;
import io.github.lora4j.data.Dataset;
import io.github.lora4j.data.TokenizedExample;
import io.github.lora4j.error.AdapterMismatchException;
import io.github.lora4j.error.LoraException;
import io.github.lora4j.io.SafeTensors;
import io.github.lora4j.model.AutoModelForCausalLM;
import io.github.lora4j.model.CausalLM;
import io.github.lora4j.model.LoadOptions;
import io.github.lora4j.nn.ForwardContext;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Generator;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import io.github.lora4j.testing.Fixtures;
import io.github.lora4j.train.IntervalStrategy;
import io.github.lora4j.train.LrSchedulerType;
import io.github.lora4j.train.StepInfo;
import io.github.lora4j.train.TrainSamplingStrategy;
import io.github.lora4j.train.Trainer;
import io.github.lora4j.train.TrainerCallback;
import io.github.lora4j.train.TrainerControl;
import io.github.lora4j.train.TrainingArguments;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Adapters on experts, against PEFT: src/test/python/make_expert_fixtures.py. */
class ExpertAdapterTest {

  private static final String EXPERTS = "model.layers.0.mlp.experts";
  private static final int[] IDS = {4, 9, 13, 7, 21};
  private static final int[] MASK = {1, 1, 1, 1, 1};

  @TempDir private Path dir;

  private static Path folder(String family, String name) {
    return Fixtures.path("/experts/" + family + "/" + name);
  }

  private static CausalLM base(String family) {
    return AutoModelForCausalLM.fromPretrained(folder(family, "base"));
  }

  private static void assertClose(Tensor actual, Tensor expected) {
    assertThat(Fixtures.relativeDifference(actual, expected)).isLessThan(Fixtures.MODEL_TOLERANCE);
  }

  @Test
  void aContainerWithExpertsCantBeTrainedWhole() {
    LoraConfig config = LoraConfig.builder().targetModules("q_proj").modulesToSave("mlp").build();
    try (CausalLM base = base("mixtral")) {
      assertThatExceptionOfType(AdapterMismatchException.class)
          .isThrownBy(() -> PeftModel.wrap(base, config))
          .withMessageContaining(EXPERTS);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "mixtral, patterns",
    "mixtral, router",
    "mixtral, old",
    "qwen3_moe, patterns",
    "qwen3_moe, router",
    "qwen3_moe, old"
  })
  void adaptersOfPeftGiveItsLogitsMergedAndNot(String family, String kind) {
    Path adapter = folder(family, kind);
    try (CausalLM base = base(family);
        PeftModel<CausalLM> peft = PeftModel.fromPretrained(base, adapter);
        SafeTensors expected = SafeTensors.open(adapter.resolve("expected.safetensors"));
        TensorScope scope = TensorScope.open()) {
      Batch batch = Fixtures.batch(expected, "");
      Tensor logits = expected.tensor("logits");
      Tensor merged = expected.tensor("logits.merged");
      Tensor withoutAdapter = base.logits(batch);
      assertThat(Fixtures.relativeDifference(withoutAdapter, logits)).isGreaterThan(1e-2);
      assertClose(peft.model().logits(batch), logits);
      peft.mergeAdapter(true);
      assertThat(peft.isMerged()).isTrue();
      assertClose(peft.model().logits(batch), merged);
      peft.unmergeAdapter();
      assertClose(peft.model().logits(batch), logits);
      try (CausalLM alone = peft.mergeAndUnload()) {
        assertClose(alone.logits(batch), merged);
        alone.savePretrained(dir);
      }
      try (CausalLM again = AutoModelForCausalLM.fromPretrained(dir)) {
        assertClose(again.logits(batch), merged);
      }
      try (var off = peft.disableAdapter()) {
        assertThat(peft.model().logits(batch).equal(withoutAdapter)).isTrue();
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"mixtral, patterns", "mixtral, router", "qwen3_moe, patterns", "qwen3_moe, router"})
  void savingALoadedAdapterKeepsItsTensorsBitForBit(String family, String kind) {
    Path adapter = folder(family, kind);
    try (CausalLM base = base(family);
        PeftModel<CausalLM> peft = PeftModel.fromPretrained(base, adapter)) {
      peft.savePretrained(dir);
    }
    assertSameTensors(dir, adapter);
    LoraConfig before = LoraConfig.load(adapter);
    LoraConfig after = LoraConfig.load(dir);
    assertThat(after.targetParameters())
        .containsExactlyInAnyOrderElementsOf(before.targetParameters());
    assertThat(after.toBuilder().targetParameters().targetModules("any").build())
        .usingRecursiveComparison()
        .ignoringFields("baseModelNameOrPath")
        .isEqualTo(before.toBuilder().targetParameters().targetModules("any").build());
    assertThat(after.targetModules()).isEqualTo(before.targetModules());
  }

  private static void assertSameTensors(Path one, Path other) {
    try (SafeTensors first = SafeTensors.open(one.resolve("adapter_model.safetensors"));
        SafeTensors second = SafeTensors.open(other.resolve("adapter_model.safetensors"));
        TensorScope scope = TensorScope.open()) {
      assertThat(first.names()).containsExactlyInAnyOrderElementsOf(second.names());
      for (String name : first.names()) {
        assertThat(first.tensor(name).equal(second.tensor(name))).as(name).isTrue();
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"mixtral", "qwen3_moe"})
  void anAdapterOfTransformers4IsSavedInTodaysForm(String family) {
    try (CausalLM base = base(family);
        PeftModel<CausalLM> peft = PeftModel.fromPretrained(base, folder(family, "old"))) {
      assertThat(peft.config().targetModules()).isEqualTo(TargetModules.names("q_proj"));
      assertThat(peft.config().targetParameters())
          .containsExactlyInAnyOrder("gate.weight", "gate_up_proj", "down_proj");
      assertThat(peft.config().rankPattern()).containsExactly(Map.entry(".*\\.gate_up_proj", 4));
      peft.savePretrained(dir);
      int experts = family.equals("mixtral") ? 3 : 4;
      String prefix = "base_model.model." + EXPERTS;
      try (SafeTensors saved = SafeTensors.open(dir.resolve("adapter_model.safetensors"));
          PeftModel<CausalLM> again = PeftModel.fromPretrained(base, dir);
          TensorScope scope = TensorScope.open()) {
        assertThat(saved.info(prefix + ".base_layer.lora_A.weight").shape())
            .containsExactly(4L * experts, 16L);
        assertThat(saved.info(prefix + ".base_layer.lora_B.weight").shape())
            .containsExactly(16L, 4L * experts);
        assertThat(saved.info(prefix + ".lora_A.weight").shape()).containsExactly(2L * experts, 8L);
        assertThat(saved.info(prefix + ".lora_B.weight").shape())
            .containsExactly(16L, 2L * experts);
        assertThat(again.model().logits(IDS, MASK, 1).equal(peft.model().logits(IDS, MASK, 1)))
            .isTrue();
      }
    }
  }

  @ParameterizedTest(name = "gradient checkpointing: {0}")
  @ValueSource(booleans = {false, true})
  void aRunGivesTheLossesAndNormsOfPeft(boolean checkpointing) throws IOException {
    Path run = folder("qwen3_moe", "train");
    List<StepInfo> steps = new ArrayList<>();
    try (CausalLM base = base("qwen3_moe");
        PeftModel<CausalLM> peft =
            PeftModel.fromPretrained(base, run.resolve("adapter_init"), true)) {
      Trainer.builder(peft, args(checkpointing))
          .trainDataset(examplesInOrder(run))
          .eosTokenIds() // The tokens are random: none of them ends a text.
          .callbacks(
              new TrainerCallback() {
                @Override
                public void onStepEnd(StepInfo step, TrainerControl control) {
                  steps.add(step);
                }
              })
          .build()
          .train();
      peft.savePretrained(dir);
    }
    JsonNode expected = new ObjectMapper().readTree(run.resolve("steps.json").toFile());
    assertThat(steps).hasSameSizeAs(expected);
    for (StepInfo step : steps) {
      JsonNode reference = expected.get(step.step() - 1);
      assertRelative(step.loss(), reference.get("loss").doubleValue(), 1e-5);
      assertRelative(step.gradNorm(), reference.get("grad_norm").doubleValue(), 1e-4);
    }
    try (SafeTensors ours = SafeTensors.open(dir.resolve("adapter_model.safetensors"));
        SafeTensors theirs =
            SafeTensors.open(run.resolve("adapter_final/adapter_model.safetensors"));
        TensorScope scope = TensorScope.open()) {
      assertThat(ours.names()).containsExactlyInAnyOrderElementsOf(theirs.names());
      for (String name : theirs.names()) {
        assertThat(Fixtures.relativeDifference(ours.tensor(name), theirs.tensor(name)))
            .as(name)
            .isLessThan(1e-3);
      }
    }
  }

  private static TrainingArguments args(boolean checkpointing) {
    return TrainingArguments.builder()
        .maxSteps(12)
        .perDeviceTrainBatchSize(2)
        .gradientAccumulationSteps(2)
        .trainSamplingStrategy(TrainSamplingStrategy.SEQUENTIAL)
        .learningRate(5e-3)
        .lrSchedulerType(LrSchedulerType.COSINE)
        .warmupSteps(2)
        .weightDecay(0.01)
        .maxGradNorm(0.3)
        .gradientCheckpointing(checkpointing)
        .loggingStrategy(IntervalStrategy.NO)
        .saveStrategy(IntervalStrategy.NO)
        .disableTqdm(true)
        .build();
  }

  /** The rows of the reference's batches, without their padding. */
  private static Dataset<TokenizedExample> examplesInOrder(Path run) {
    List<TokenizedExample> examples = new ArrayList<>();
    try (SafeTensors file = SafeTensors.open(run.resolve("batches.safetensors"))) {
      for (int n = 0; n < 24; n++) {
        Batch batch = Fixtures.batch(file, "." + n);
        for (int row = 0; row < batch.size(); row++) {
          int from = row * batch.length();
          int[] mask = Arrays.copyOfRange(batch.attentionMask(), from, from + batch.length());
          int to = from + Arrays.stream(mask).sum();
          examples.add(
              new TokenizedExample(
                  Arrays.copyOfRange(batch.inputIds(), from, to),
                  Arrays.copyOfRange(batch.labels(), from, to)));
        }
      }
    }
    return Dataset.of(examples);
  }

  private static void assertRelative(double found, double expected, double tolerance) {
    assertThat(Math.abs(found - expected) / expected).isLessThan(tolerance);
  }

  // ---- fresh adapters

  private static LoraConfigBuilder both() {
    return LoraConfig.builder()
        .r(3)
        .targetModules()
        .targetParameters("mlp.experts.gate_up_proj", "mlp.experts.down_proj");
  }

  @Test
  void aFreshAdapterChangesNothingAndHasTheParametersOfTheFormula() {
    try (CausalLM base = base("mixtral");
        PeftModel<CausalLM> peft = PeftModel.wrap(base, both().build());
        TensorScope scope = TensorScope.open()) {
      assertThat(peft.model().logits(IDS, MASK, 1).equal(base.logits(IDS, MASK, 1))).isTrue();
      assertThat(peft.targetedModuleNames()).isEmpty();
      assertThat(peft.targetedParameterNames())
          .containsExactly(
              EXPERTS + ".gate_up_proj",
              EXPERTS + ".down_proj",
              "model.layers.1.mlp.experts.gate_up_proj",
              "model.layers.1.mlp.experts.down_proj");
      long ofOneExpert = 3L * (16 + 2 * 8) + 3L * (8 + 16);
      assertThat(peft.trainableParameters().values().stream().mapToLong(Tensor::numel).sum())
          .isEqualTo(2 * 3 * ofOneExpert);
      assertThat(peft.trainableParameters().keySet())
          .startsWith(
              EXPERTS + ".base_layer.lora_A.weight",
              EXPERTS + ".base_layer.lora_B.weight",
              EXPERTS + ".lora_A.weight",
              EXPERTS + ".lora_B.weight");
      assertThatIllegalStateException()
          .isThrownBy(() -> PeftModel.wrap(peft.model(), both().build()))
          .withMessageContaining("adapter already");
    }
  }

  @Test
  void allLinearStandsForExpertsAndRoutersAsInPeft() {
    LoraConfig config = LoraConfig.builder().r(2).alpha(3).targetModules("all-linear").build();
    try (CausalLM base = base("qwen3_moe");
        PeftModel<CausalLM> peft = PeftModel.wrap(base, config)) {
      assertThat(peft.config().targetModules())
          .isEqualTo(TargetModules.names("q_proj", "k_proj", "v_proj", "o_proj"));
      assertThat(peft.config().targetParameters())
          .containsExactlyInAnyOrder("gate.weight", "gate_up_proj", "down_proj");
      assertThat(peft.config().rankPattern()).containsEntry(".*\\.gate_up_proj", 4);
      assertThat(peft.config().alphaPattern()).containsEntry(".*\\.gate_up_proj", 6.0);
      // Layer 1 has no mixture; PEFT leaves its MLP out.
      assertThat(peft.targetedModuleNames())
          .hasSize(3 * 4 + 2)
          .contains("model.layers.0.mlp.gate", "model.layers.2.mlp.gate")
          .noneMatch(name -> name.startsWith("model.layers.1.mlp"));
      assertThat(peft.targetedParameterNames()).hasSize(4);
    }
  }

  @Test
  void aRegularExpressionKeepsItsLayers() {
    TargetModules targets =
        TargetModules.regex(".*layers\\.[01]\\..*(q_proj|gate_proj|up_proj|down_proj|gate)");
    LoraConfig config = LoraConfig.builder().targetModules(targets).build();
    try (CausalLM base = base("qwen3_moe");
        PeftModel<CausalLM> peft = PeftModel.wrap(base, config)) {
      assertThat(peft.targetedParameterNames())
          .containsExactly(EXPERTS + ".gate_up_proj", EXPERTS + ".down_proj");
      assertThat(peft.targetedModuleNames())
          .containsExactly(
              "model.layers.0.self_attn.q_proj",
              "model.layers.0.mlp.gate",
              "model.layers.1.self_attn.q_proj",
              "model.layers.1.mlp.gate_proj",
              "model.layers.1.mlp.up_proj",
              "model.layers.1.mlp.down_proj");
      peft.savePretrained(dir);
      try (PeftModel<CausalLM> again = PeftModel.fromPretrained(base, dir)) {
        assertThat(again.targetedModuleNames()).isEqualTo(peft.targetedModuleNames());
        assertThat(again.targetedParameterNames()).isEqualTo(peft.targetedParameterNames());
      }
    }
  }

  @Test
  void namesThatFilesOfMixtralHaveMatchARegularExpressionToo() {
    TargetModules targets = TargetModules.regex(".*block_sparse_moe\\.experts\\.\\d+\\.w[13]");
    LoraConfig config = LoraConfig.builder().targetModules(targets).build();
    try (CausalLM base = base("mixtral");
        PeftModel<CausalLM> peft = PeftModel.wrap(base, config)) {
      assertThat(peft.targetedParameterNames())
          .containsExactly(EXPERTS + ".gate_up_proj", "model.layers.1.mlp.experts.gate_up_proj");
    }
  }

  @Test
  void withoutModulesOnlyTheParametersAreAdapted() {
    LoraConfig config = LoraConfig.builder().targetParameters("experts.down_proj").build();
    try (CausalLM base = base("mixtral");
        PeftModel<CausalLM> peft = PeftModel.wrap(base, config)) {
      assertThat(peft.targetedModuleNames()).isEmpty();
      assertThat(peft.trainableParameters().keySet())
          .startsWith(EXPERTS + ".lora_A.weight", EXPERTS + ".lora_B.weight");
    }
  }

  @Test
  void initialNumbersGoByTheRankOfOneExpert() {
    try (CausalLM base = base("mixtral");
        PeftModel<CausalLM> peft =
            PeftModel.wrap(base, both().r(4).initLoraWeights("gaussian").build());
        TensorScope scope = TensorScope.open()) {
      double std =
          peft.trainableParameters()
              .get(EXPERTS + ".base_layer.lora_A.weight")
              .square()
              .mean()
              .sqrt()
              .item();
      assertThat(std).isBetween(0.2, 0.3); // 1 / r
    }
  }

  @ParameterizedTest
  @CsvSource({
    "w1, w1 can't be adapted without w3",
    "w3, w3 can't be adapted without w1",
    "experts, no linear layer"
  })
  void modulesThatPeftRefusesAreRefused(String name, String message) {
    LoraConfig config = LoraConfig.builder().targetModules(name).build();
    try (CausalLM base = base("mixtral")) {
      assertThatExceptionOfType(AdapterMismatchException.class)
          .isThrownBy(() -> PeftModel.wrap(base, config))
          .withMessageContaining(message);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "experts.gate_proj, did you mean experts.gate_up_proj",
    "input_layernorm.weight, no parameter of experts",
    "embed_tokens.weight, no parameter of experts",
    "q_proj.weight, in targetModules too"
  })
  void parametersThatCannotBeAdaptedAreErrors(String name, String message) {
    LoraConfig config = LoraConfig.builder().targetModules("q_proj").targetParameters(name).build();
    try (CausalLM base = base("mixtral")) {
      assertThatExceptionOfType(AdapterMismatchException.class)
          .isThrownBy(() -> PeftModel.wrap(base, config))
          .withMessageContaining(message);
    }
  }

  @Test
  void thereIsNoDropoutBesideParameters() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> both().dropout(0.1).build())
        .withMessageContaining("loraDropout is 0.1");
    LoraConfig all = LoraConfig.builder().dropout(0.1).targetModules("all-linear").build();
    try (CausalLM base = base("mixtral")) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> PeftModel.wrap(base, all))
          .withMessageContaining("loraDropout is 0.1");
    }
  }

  @Test
  void namesMustNotBeEmpty() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> LoraConfig.builder().targetParameters("").build())
        .withMessageContaining("targetParameters");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> LoraConfig.builder().targetModules().build())
        .withMessageContaining("targetModules names no modules");
  }

  @Test
  void anAdapterForAnotherNumberOfExpertsIsRefused() {
    try (CausalLM base = base("qwen3_moe")) {
      assertThatExceptionOfType(AdapterMismatchException.class)
          .isThrownBy(() -> PeftModel.fromPretrained(base, folder("mixtral", "patterns")))
          .withMessageContaining(EXPERTS + ".base_layer.lora_A.weight (expected [8, 16]");
    }
  }

  @Test
  void damagedUpdatesAreFoundWhenTheyAreMerged() {
    try (CausalLM base = base("mixtral");
        PeftModel<CausalLM> peft = PeftModel.wrap(base, both().initLoraWeights(false).build());
        TensorScope scope = TensorScope.open()) {
      Tensor b = peft.trainableParameters().get(EXPERTS + ".lora_B.weight");
      b.detach().narrow(1, 1, 1).fillInPlace(Double.NaN);
      assertThatExceptionOfType(LoraException.class)
          .isThrownBy(() -> peft.mergeAdapter(true))
          .withMessageContaining(EXPERTS + ".down_proj: the merged weight of expert 1");
      assertThat(peft.isMerged()).isFalse();
    }
  }

  @ParameterizedTest
  @CsvSource({"F32, 1e-4", "BF16, 0.1"})
  void gradientsAreThoseOfLibtorch(DType dtype, double tolerance) {
    LoadOptions options = LoadOptions.builder().dtype(dtype).build();
    Path path = folder("qwen3_moe", "base");
    LoraConfig config = both().initLoraWeights(false).build();
    try (CausalLM base = AutoModelForCausalLM.fromPretrained(path, options);
        PeftModel<CausalLM> peft = PeftModel.wrap(base, config);
        Generator generator = Generator.of(1);
        TensorScope scope = TensorScope.open()) {
      ForwardContext context = ForwardContext.training(generator);
      Batch batch = new Batch(1, IDS.length, IDS, MASK, IDS);
      Map<String, Tensor> plain = gradients(peft, batch, context.plain(true));
      for (boolean checkpointing : new boolean[] {false, true}) {
        gradients(peft, batch, context.gradientCheckpointing(checkpointing))
            .forEach(
                (name, gradient) ->
                    assertThat(Fixtures.relativeDifference(gradient, plain.get(name)))
                        .as(name)
                        .isLessThan(tolerance));
      }
    }
  }

  private static Map<String, Tensor> gradients(
      PeftModel<?> peft, Batch batch, ForwardContext context) {
    peft.trainableParameters().values().forEach(Tensor::clearGrad);
    peft.lossAndBackward(batch, 0.25, context);
    Map<String, Tensor> gradients = new LinkedHashMap<>();
    peft.trainableParameters()
        .forEach((name, parameter) -> gradients.put(name, parameter.grad().orElseThrow().copy()));
    return gradients;
  }
}
