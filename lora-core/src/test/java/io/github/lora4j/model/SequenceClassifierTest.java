package io.github.lora4j.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.lora4j.data.Batch;
import io.github.lora4j.data.LabelMap;
import io.github.lora4j.data.SequenceLabels;
import io.github.lora4j.error.CheckpointFormatException;
import io.github.lora4j.io.SafeTensors;
import io.github.lora4j.nn.ForwardContext;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Generator;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import io.github.lora4j.testing.Fixtures;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class SequenceClassifierTest {

  private static final Path FOLDER = Fixtures.path("/classification");
  private static final Path BASE = FOLDER.resolve("base");
  private static final Path CAUSAL = FOLDER.resolve("causal/base");
  private static final LabelMap NAMES = LabelMap.of("bad", "so-so", "good");

  private static SequenceClassifier load(ProblemType problem) {
    return AutoModelForSequenceClassification.fromPretrained(
        BASE, LoadOptions.builder().problemType(problem).build());
  }

  /** The targets of the fixtures for a problem. */
  static SequenceLabels targets(SafeTensors file, ProblemType problem, String suffix) {
    String name = "targets." + problem.name().toLowerCase(Locale.ROOT) + suffix;
    try (Tensor tensor = file.tensor(name)) {
      return problem == ProblemType.SINGLE_LABEL_CLASSIFICATION
          ? new SequenceLabels.ClassIds(Fixtures.ints(file, name))
          : new SequenceLabels.Values(3, tensor.toFloatArray());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"", ".left", ".inside", ".padding"})
  void scoresAreThoseOfTransformers(String suffix) {
    try (SequenceClassifier model = AutoModelForSequenceClassification.fromPretrained(BASE);
        SafeTensors expected = SafeTensors.open(FOLDER.resolve("expected.safetensors"));
        TensorScope scope = TensorScope.open()) {
      Tensor scores = model.logits(Fixtures.batch(expected, suffix));
      assertThat(Fixtures.relativeDifference(scores, expected.tensor("logits" + suffix)))
          .isLessThan(1e-5);
      assertThat(model.labels()).isEqualTo(NAMES);
      assertThat(model.headIsFresh()).isFalse();
      assertThat(model.transformersClass()).isEqualTo("LlamaForSequenceClassification");
    }
  }

  @ParameterizedTest
  @EnumSource
  void lossesAreThoseOfTransformersTimesTheSequences(ProblemType problem) {
    try (SequenceClassifier model = load(problem);
        SafeTensors expected = SafeTensors.open(FOLDER.resolve("expected.safetensors"));
        TensorScope scope = TensorScope.open()) {
      Batch batch = Fixtures.batch(expected, "").labelled(targets(expected, problem, ""));
      double mean = expected.tensor("loss." + problem.transformersName()).item();
      assertThat(model.loss(batch, ForwardContext.eval()) / batch.size())
          .isCloseTo(mean, within(1e-5 * mean));
      assertThat(model.loss(batch, ForwardContext.eval().plain(true)) / batch.size())
          .isCloseTo(mean, within(1e-5 * mean));
    }
  }

  private static Map<String, float[]> gradients(
      SequenceClassifier model, Batch batch, UnaryOperator<ForwardContext> how) {
    Map<String, float[]> gradients = new LinkedHashMap<>();
    try (TensorScope scope = TensorScope.open();
        Generator dropout = Generator.of(1)) {
      model.lossAndBackward(batch, 0.25, how.apply(ForwardContext.training(dropout)));
      model
          .trainableParameters()
          .forEach(
              (name, parameter) -> {
                gradients.put(name, parameter.grad().orElseThrow().toFloatArray());
                parameter.clearGrad();
              });
    }
    return gradients;
  }

  @ParameterizedTest
  @EnumSource
  void allWaysThroughAStepGiveTheSameGradients(ProblemType problem) {
    try (SequenceClassifier model = load(problem).requiresGrad(true);
        SafeTensors file = SafeTensors.open(FOLDER.resolve("expected.safetensors"))) {
      for (String padding : new String[] {"", ".left"}) {
        Batch batch = Fixtures.batch(file, padding).labelled(targets(file, problem, ""));
        Map<String, float[]> plain = gradients(model, batch, context -> context.plain(true));
        assertThat(plain).hasSize(21);
        Map<String, float[]> fused = gradients(model, batch, context -> context);
        Map<String, float[]> again = gradients(model, batch, c -> c.gradientCheckpointing(true));
        plain.forEach(
            (name, gradient) -> {
              assertThat(Fixtures.relativeDifference(fused.get(name), gradient))
                  .as(name)
                  .isLessThan(1e-4);
              assertThat(Fixtures.relativeDifference(again.get(name), gradient))
                  .as(name)
                  .isLessThan(1e-4);
            });
      }
    }
  }

  @Test
  void oneClassOfOneIsRefusedAsInTransformers() {
    LoadOptions options =
        LoadOptions.builder().problemType(ProblemType.SINGLE_LABEL_CLASSIFICATION).build();
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                AutoModelForSequenceClassification.fromPretrained(
                    CAUSAL, LabelMap.of("only"), options))
        .withMessageContaining("single_label_classification expects at least 2 labels")
        .withMessageContaining("REGRESSION");
  }

  @Test
  void aCheckpointWithoutTheHeadGetsAFreshOneOfTheSeed() {
    LabelMap four = LabelMap.of("a", "b", "c", "d");
    LoadOptions other = LoadOptions.builder().headSeed(7).dtype(DType.BF16).build();
    try (SequenceClassifier one = AutoModelForSequenceClassification.fromPretrained(CAUSAL, four);
        SequenceClassifier same = AutoModelForSequenceClassification.fromPretrained(CAUSAL, four);
        SequenceClassifier differs =
            AutoModelForSequenceClassification.fromPretrained(CAUSAL, four, other)) {
      assertThat(one.headIsFresh()).isTrue();
      assertThat(one.numLabels()).isEqualTo(4);
      assertThat(one.parameters()).doesNotContainKey("lm_head.weight");
      float[] head = one.parameters().get("score.weight").toFloatArray();
      assertThat(same.parameters().get("score.weight").toFloatArray()).containsExactly(head);
      Tensor drawn = differs.parameters().get("score.weight");
      assertThat(drawn.dtype()).isEqualTo(DType.BF16);
      assertThat(drawn.toFloatArray()).isNotEqualTo(head);
      double squares = 0;
      for (float weight : head) {
        squares += weight * weight;
      }
      assertThat(Math.sqrt(squares / head.length)).isBetween(0.015, 0.025);
    }
  }

  @Test
  void withoutLabelsThereAreTwoAsInTransformers() {
    try (SequenceClassifier model = AutoModelForSequenceClassification.fromPretrained(CAUSAL)) {
      assertThat(model.labels().names()).containsExactly("LABEL_0", "LABEL_1");
    }
  }

  @Test
  void aHeadForOtherLabelsIsRefused() {
    assertThatExceptionOfType(CheckpointFormatException.class)
        .isThrownBy(
            () -> AutoModelForSequenceClassification.fromPretrained(BASE, LabelMap.of("no", "yes")))
        .withMessageContaining("score.weight");
  }

  @Test
  void theHeadIsNothingToACausalModel() throws IOException {
    assertThatExceptionOfType(CheckpointFormatException.class)
        .isThrownBy(() -> AutoModelForCausalLM.fromPretrained(BASE))
        .withMessageContaining("lm_head.weight")
        .satisfies(e -> assertThat(e.getMessage()).doesNotContain("score"));
  }

  @Test
  void aSavedFolderSaysWhatTheScoresMean(@TempDir Path saved) throws IOException {
    LoadOptions options = LoadOptions.builder().padTokenId(5).build();
    Batch batch = row(1, 7, 9, 5);
    try (TensorScope scope = TensorScope.open();
        SequenceClassifier model =
            AutoModelForSequenceClassification.fromPretrained(
                CAUSAL, LabelMap.of("no", "yes", "maybe"), options)) {
      model.loss(batch.labelled(SequenceLabels.ofValues(0, 1, 1)), ForwardContext.eval());
      assertThat(model.problemType()).contains(ProblemType.MULTI_LABEL_CLASSIFICATION);
      model.savePretrained(saved);
      try (SequenceClassifier again = AutoModelForSequenceClassification.fromPretrained(saved)) {
        assertThat(again.labels()).isEqualTo(model.labels());
        assertThat(again.problemType()).isEqualTo(model.problemType());
        assertThat(again.padTokenId()).hasValue(5);
        assertThat(again.headIsFresh()).isFalse();
        assertThat(again.logits(batch).equal(model.logits(batch))).isTrue();
      }
    }
    JsonNode config = new ObjectMapper().readTree(saved.resolve("config.json").toFile());
    assertThat(config.get("architectures").toString())
        .isEqualTo("[\"LlamaForSequenceClassification\"]");
    assertThat(config.get("id2label").toString())
        .isEqualTo("{\"0\":\"no\",\"1\":\"yes\",\"2\":\"maybe\"}");
    assertThat(config.get("label2id").toString()).isEqualTo("{\"no\":0,\"yes\":1,\"maybe\":2}");
    assertThat(config.get("num_labels").intValue()).isEqualTo(3);
    assertThat(config.get("problem_type").textValue()).isEqualTo("multi_label_classification");
  }

  private static Batch row(int... ids) {
    int[] mask = new int[ids.length];
    Arrays.fill(mask, 1);
    int[] labels = new int[ids.length];
    Arrays.fill(labels, -100);
    return new Batch(1, ids.length, ids, mask, labels);
  }

  @Test
  void severalSequencesNeedAPaddingToken(@TempDir Path folder) throws IOException {
    ChangedFolder.of(
        BASE, folder, tensors -> {}, json -> ChangedFolder.with(json, "pad_token_id", "null"));
    Batch two = new Batch(2, 1, new int[] {3, 4}, new int[] {1, 1}, new int[] {-100, -100});
    try (TensorScope scope = TensorScope.open();
        SequenceClassifier model = AutoModelForSequenceClassification.fromPretrained(folder)) {
      assertThat(model.logits(row(3, 0)).shape()).containsExactly(1, 3);
      assertThatIllegalArgumentException()
          .isThrownBy(() -> model.logits(two))
          .withMessageContaining("LoadOptions.builder().padTokenId");
    }
    try (TensorScope scope = TensorScope.open();
        SequenceClassifier model =
            AutoModelForSequenceClassification.fromPretrained(
                folder, LoadOptions.builder().padTokenId(0).build())) {
      assertThat(model.logits(two).shape()).containsExactly(2, 3);
    }
  }

  @Test
  void batchesThatDoNotFitAreRefused() {
    try (SequenceClassifier model = AutoModelForSequenceClassification.fromPretrained(BASE);
        CausalLM causal = AutoModelForCausalLM.fromPretrained(CAUSAL)) {
      Batch packed =
          new Batch(
              1,
              3,
              new int[] {3, 4, 5},
              new int[] {1, 1, 1},
              new int[] {-100, -100, -100},
              new int[] {0, 1, 0});
      assertThatIllegalArgumentException()
          .isThrownBy(() -> model.logits(packed))
          .withMessageContaining("a second one begins at token 2");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> model.loss(row(3, 4), ForwardContext.eval()))
          .withMessageContaining("labels of whole sequences");
      Batch classified = row(3, 4).labelled(SequenceLabels.ofClass(0));
      assertThatIllegalArgumentException()
          .isThrownBy(() -> causal.loss(classified, ForwardContext.eval()))
          .withMessageContaining("AutoModelForSequenceClassification");
    }
  }
}
