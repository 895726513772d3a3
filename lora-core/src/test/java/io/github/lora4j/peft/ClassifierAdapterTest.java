package io.github.lora4j.peft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.lora4j.data.Batch;
import io.github.lora4j.data.LabelMap;
import io.github.lora4j.data.SequenceLabels;
import io.github.lora4j.error.AdapterMismatchException;
import io.github.lora4j.io.SafeTensors;
import io.github.lora4j.model.AutoModelForCausalLM;
import io.github.lora4j.model.AutoModelForSequenceClassification;
import io.github.lora4j.model.CausalLM;
import io.github.lora4j.model.LoadOptions;
import io.github.lora4j.model.SequenceClassifier;
import io.github.lora4j.nn.ForwardContext;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Generator;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import io.github.lora4j.testing.Fixtures;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ClassifierAdapterTest {

  private static final Path FOLDER = Fixtures.path("/classification");
  private static final Path BASE = FOLDER.resolve("base");
  private static final Path CAUSAL = FOLDER.resolve("causal");
  private static final LoraConfig CONFIG =
      LoraConfig.builder().r(2).taskType(TaskType.SEQ_CLS).build();

  @TempDir private Path out;

  private static void assertClose(Tensor actual, Tensor expected) {
    assertThat(Fixtures.relativeDifference(actual, expected)).isLessThan(1e-5);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"single_label_classification", "multi_label_classification", "regression"})
  void adaptersOfPeftGiveItsScoresMergedAndNot(String problem) throws IOException {
    Path folder = FOLDER.resolve(problem);
    Path adapter = folder.resolve("adapter_final");
    try (SequenceClassifier base = AutoModelForSequenceClassification.fromPretrained(BASE);
        PeftModel<SequenceClassifier> peft = PeftModel.fromPretrained(base, adapter);
        SafeTensors expected = SafeTensors.open(folder.resolve("expected.safetensors"));
        TensorScope scope = TensorScope.open()) {
      Batch batch = Fixtures.batch(expected, "");
      Tensor scores = expected.tensor("logits");
      Tensor bases = base.logits(batch);
      assertThat(Fixtures.relativeDifference(bases, scores)).isGreaterThan(1e-2);
      assertClose(peft.model().logits(batch), scores);
      assertThat(peft.savedModuleNames()).containsExactly("score");
      assertThat(peft.trainableParameters()).isEmpty();

      peft.mergeAdapter(true);
      assertClose(peft.model().logits(batch), expected.tensor("logits.merged"));
      peft.unmergeAdapter();
      try (var off = peft.disableAdapter()) {
        assertThat(peft.model().logits(batch).equal(bases)).isTrue();
      }
      try (SequenceClassifier alone = peft.mergeAndUnload()) {
        assertClose(alone.logits(batch), expected.tensor("logits.merged"));
        alone.savePretrained(out.resolve("merged"));
      }
      try (SequenceClassifier merged =
          AutoModelForSequenceClassification.fromPretrained(out.resolve("merged"))) {
        assertClose(merged.logits(batch), expected.tensor("logits.merged"));
      }
      peft.savePretrained(out);
      try (SafeTensors before = SafeTensors.open(adapter.resolve("adapter_model.safetensors"));
          SafeTensors after = SafeTensors.open(out.resolve("adapter_model.safetensors"))) {
        assertThat(after.names()).isEqualTo(before.names());
        for (String name : before.names()) {
          assertThat(after.tensor(name).equal(before.tensor(name))).as(name).isTrue();
        }
      }
    }
    ObjectMapper json = new ObjectMapper();
    JsonNode saved = json.readTree(out.resolve("adapter_config.json").toFile());
    assertThat(saved.get("modules_to_save").toString()).isEqualTo("[\"classifier\",\"score\"]");
    assertThat(saved.get("task_type").textValue()).isEqualTo("SEQ_CLS");
  }

  @Test
  void theHeadIsTrainedBesideTheOriginal() {
    try (SequenceClassifier base = AutoModelForSequenceClassification.fromPretrained(BASE);
        PeftModel<SequenceClassifier> peft = PeftModel.wrap(base, CONFIG);
        TensorScope scope = TensorScope.open()) {
      assertThat(peft.config().modulesToSave()).containsExactly("classifier", "score");
      // As PEFT counts: 2 layers, q 16 -> 16 and v 16 -> 8 with rank 2, and the copy of the head.
      int trainable = 2 * (2 * 16 + 2 * 16 + 2 * 16 + 8 * 2) + 3 * 16;
      assertThat(peft.trainableParametersSummary())
          .startsWith(
              "trainable params: %d || all params: %,d"
                  .formatted(trainable, base.parameterCount() + trainable));
      assertThat(peft.trainableParameters()).containsKey("score.modules_to_save.weight");
      Batch batch = new Batch(1, 2, new int[] {3, 4}, new int[] {1, 1}, new int[] {-100, -100});
      assertThat(peft.model().logits(batch).equal(base.logits(batch))).isTrue();
      Tensor copy = peft.trainableParameters().get("score.modules_to_save.weight");
      Tensor original = base.parameters().get("score.weight");
      assertThat(copy.toFloatArray()).containsExactly(original.toFloatArray());
      assertThat(copy.address()).isNotEqualTo(original.address());
      assertThat(original.requiresGrad()).isFalse();
    }
  }

  @Test
  void inHalfPrecisionTheHeadLearnsInFloat32() {
    LoadOptions bf16 = LoadOptions.builder().dtype(DType.BF16).build();
    try (SequenceClassifier base = AutoModelForSequenceClassification.fromPretrained(BASE, bf16);
        PeftModel<SequenceClassifier> peft = PeftModel.wrap(base, CONFIG);
        TensorScope scope = TensorScope.open();
        Generator dropout = Generator.of(1)) {
      Batch batch =
          new Batch(1, 2, new int[] {3, 4}, new int[] {1, 1}, new int[] {-100, -100})
              .labelled(SequenceLabels.ofClass(1));
      assertThat(peft.model().logits(batch).dtype()).isEqualTo(DType.BF16);
      assertThat(peft.model().logits(batch).equal(base.logits(batch))).isTrue();
      for (boolean plain : new boolean[] {false, true}) {
        peft.lossAndBackward(batch, 1, ForwardContext.training(dropout).plain(plain));
        Tensor head = peft.trainableParameters().get("score.modules_to_save.weight");
        assertThat(head.dtype()).isEqualTo(DType.F32);
        assertThat(head.grad().orElseThrow().abs().sum().item()).isGreaterThan(0);
        head.clearGrad();
      }
      peft.savePretrained(out);
      try (PeftModel<SequenceClassifier> again = PeftModel.fromPretrained(base, out);
          SequenceClassifier merged = again.mergeAndUnload()) {
        assertThat(again.model().logits(batch).equal(base.logits(batch))).isTrue();
        assertThat(merged.parameters().get("score.weight").dtype()).isEqualTo(DType.BF16);
      }
    }
  }

  @Test
  void aTiedHeadThatIsTrainedWholeLeavesTheEmbedding() {
    try (CausalLM base = AutoModelForCausalLM.fromPretrained(CAUSAL.resolve("base"));
        PeftModel<CausalLM> peft = PeftModel.fromPretrained(base, CAUSAL.resolve("adapter"), true);
        SafeTensors expected = SafeTensors.open(CAUSAL.resolve("expected.safetensors"));
        TensorScope scope = TensorScope.open()) {
      Batch batch = Fixtures.batch(expected, "");
      assertClose(peft.model().logits(batch), expected.tensor("logits"));
      assertThat(peft.trainableParameters()).containsKey("lm_head.modules_to_save.weight");
      Batch learnt =
          new Batch(1, 4, new int[] {3, 4, 5, 6}, new int[] {1, 1, 1, 1}, new int[] {3, 4, 5, 6});
      try (Generator dropout = Generator.of(1)) {
        peft.lossAndBackward(learnt, 1, ForwardContext.training(dropout));
      }
      assertThat(peft.trainableParameters().values()).allMatch(p -> p.grad().isPresent());
      try (CausalLM alone = peft.mergeAndUnload()) {
        assertClose(alone.logits(batch), expected.tensor("logits.merged"));
        alone.savePretrained(out);
      }
    }
    try (CausalLM saved = AutoModelForCausalLM.fromPretrained(out);
        SafeTensors expected = SafeTensors.open(CAUSAL.resolve("expected.safetensors"));
        TensorScope scope = TensorScope.open()) {
      assertThat(saved.config().flag("tie_word_embeddings", true)).isFalse();
      assertClose(saved.logits(Fixtures.batch(expected, "")), expected.tensor("logits.merged"));
    }
  }

  @Test
  void whatIsTrainedWholeGetsNoAdapter() {
    LoraConfig config =
        LoraConfig.builder()
            .targetModules("q_proj", "v_proj", "down_proj")
            .modulesToSave("down_proj")
            .build();
    try (SequenceClassifier base = AutoModelForSequenceClassification.fromPretrained(BASE);
        PeftModel<SequenceClassifier> peft = PeftModel.wrap(base, config)) {
      assertThat(peft.savedModuleNames())
          .containsExactly("model.layers.0.mlp.down_proj", "model.layers.1.mlp.down_proj");
      assertThat(peft.targetedModuleNames()).hasSize(4).noneMatch(n -> n.endsWith("down_proj"));
    }
  }

  private static void assertRefused(SequenceClassifier base, LoraConfig config, String... parts) {
    assertThatExceptionOfType(AdapterMismatchException.class)
        .isThrownBy(() -> PeftModel.wrap(base, config))
        .satisfies(e -> assertThat(e.getMessage()).contains(parts));
  }

  @Test
  void namesAndTasksThatDoNotFitAreRefused() {
    try (SequenceClassifier base =
            AutoModelForSequenceClassification.fromPretrained(
                CAUSAL.resolve("base"), LabelMap.of("no", "yes"));
        CausalLM causal = AutoModelForCausalLM.fromPretrained(CAUSAL.resolve("base"))) {
      assertRefused(
          base, CONFIG.toBuilder().modulesToSave("down_prj").build(), "did you mean down_proj");
      assertRefused(base, CONFIG.toBuilder().taskType(TaskType.CAUSAL_LM).build(), "SEQ_CLS");
      assertThatExceptionOfType(AdapterMismatchException.class)
          .isThrownBy(() -> PeftModel.wrap(causal, CONFIG))
          .withMessageContaining("AutoModelForSequenceClassification");
      Path adapter = FOLDER.resolve("regression/adapter_final");
      assertThatExceptionOfType(AdapterMismatchException.class)
          .isThrownBy(() -> PeftModel.fromPretrained(causal, adapter))
          .withMessageContaining("base_model.model.score.weight");
      assertThatExceptionOfType(AdapterMismatchException.class)
          .isThrownBy(() -> PeftModel.fromPretrained(base, adapter))
          .withMessageContaining("base_model.model.score.weight");
    }
  }

  @Test
  void severalAdaptersStandAroundOneBase() {
    try (SequenceClassifier base = AutoModelForSequenceClassification.fromPretrained(BASE);
        PeftModel<SequenceClassifier> one =
            PeftModel.fromPretrained(base, FOLDER.resolve("regression/adapter_final"));
        PeftModel<SequenceClassifier> other =
            PeftModel.fromPretrained(
                base, FOLDER.resolve("multi_label_classification/adapter_final"));
        TensorScope scope = TensorScope.open()) {
      Batch batch = new Batch(1, 2, new int[] {3, 4}, new int[] {1, 1}, new int[] {-100, -100});
      List<Tensor> scores =
          List.of(base.logits(batch), one.model().logits(batch), other.model().logits(batch));
      assertThat(Fixtures.relativeDifference(scores.get(1), scores.get(2))).isGreaterThan(1e-2);
      one.close();
      assertThat(other.model().logits(batch).equal(scores.get(2))).isTrue();
      assertThat(base.logits(batch).sum().item())
          .isCloseTo(scores.get(0).sum().item(), within(1e-12));
    }
  }
}
