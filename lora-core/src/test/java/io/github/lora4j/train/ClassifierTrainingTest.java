package io.github.lora4j.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.lora4j.data.Batch;
import io.github.lora4j.data.Dataset;
import io.github.lora4j.data.SequenceLabels;
import io.github.lora4j.data.TokenizedExample;
import io.github.lora4j.error.DatasetException;
import io.github.lora4j.io.SafeTensors;
import io.github.lora4j.model.AutoModelForSequenceClassification;
import io.github.lora4j.model.LoadOptions;
import io.github.lora4j.model.ProblemType;
import io.github.lora4j.model.SequenceClassifier;
import io.github.lora4j.peft.PeftModel;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import io.github.lora4j.testing.Fixtures;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ClassifierTrainingTest {

  private static final Path FOLDER = Fixtures.path("/classification");
  private static final int STEPS = 12;
  private static final int ACCUMULATION = 2;
  private static final int ROWS = 4;

  @TempDir private Path out;

  @ParameterizedTest(name = "{0}, gradient checkpointing: {1}")
  @CsvSource({
    "SINGLE_LABEL_CLASSIFICATION, false",
    "SINGLE_LABEL_CLASSIFICATION, true",
    "MULTI_LABEL_CLASSIFICATION, false",
    "REGRESSION, true"
  })
  void aRunGivesTheLossesNormsAndAdapterOfPeft(ProblemType problem, boolean checkpointing)
      throws IOException {
    Path reference = FOLDER.resolve(problem.transformersName());
    List<StepInfo> steps = new ArrayList<>();
    try (SequenceClassifier base = load(problem);
        PeftModel<SequenceClassifier> peft =
            PeftModel.fromPretrained(base, reference.resolve("adapter_init"), true)) {
      Trainer.builder(peft, args(checkpointing))
          .trainDataset(examplesInOrder(problem))
          .callbacks(
              new TrainerCallback() {
                @Override
                public void onStepEnd(StepInfo step, TrainerControl control) {
                  steps.add(step);
                }
              })
          .build()
          .train();
    }
    JsonNode expected = new ObjectMapper().readTree(reference.resolve("steps.json").toFile());
    assertThat(steps).hasSize(STEPS).hasSameSizeAs(expected);
    for (StepInfo step : steps) {
      JsonNode theirs = expected.get(step.step() - 1);
      assertRelative(step.loss(), theirs.get("loss").doubleValue(), 1e-5);
      assertRelative(step.gradNorm(), theirs.get("grad_norm").doubleValue(), 1e-4);
      assertThat(step.supervisedTokens()).isEqualTo(ROWS * ACCUMULATION);
    }
    Path saved = out.resolve("checkpoint-" + STEPS).resolve("adapter_model.safetensors");
    try (SafeTensors ours = SafeTensors.open(saved);
        SafeTensors theirs =
            SafeTensors.open(reference.resolve("adapter_final/adapter_model.safetensors"));
        TensorScope scope = TensorScope.open()) {
      assertThat(ours.names()).isEqualTo(theirs.names());
      for (String name : theirs.names()) {
        assertThat(Fixtures.relativeDifference(ours.tensor(name), theirs.tensor(name)))
            .as(name)
            .isLessThan(1e-4);
      }
    }
  }

  private static SequenceClassifier load(ProblemType problem) {
    return AutoModelForSequenceClassification.fromPretrained(
        FOLDER.resolve("base"), LoadOptions.builder().problemType(problem).build());
  }

  private static void assertRelative(double found, double expected, double tolerance) {
    assertThat(found).isCloseTo(expected, within(tolerance * expected));
  }

  private TrainingArguments args(boolean checkpointing) {
    return TrainingArguments.builder()
        .outputDir(out)
        .maxSteps(STEPS)
        .perDeviceTrainBatchSize(ROWS)
        .gradientAccumulationSteps(ACCUMULATION)
        .trainSamplingStrategy(TrainSamplingStrategy.SEQUENTIAL)
        .learningRate(1e-2)
        .lrSchedulerType(LrSchedulerType.COSINE)
        .warmupSteps(2)
        .weightDecay(0.01)
        .maxGradNorm(0.5)
        .gradientCheckpointing(checkpointing)
        .disableTqdm(true)
        .build();
  }

  /** The rows of the reference's batches, without their padding. */
  private static Dataset<TokenizedExample> examplesInOrder(ProblemType problem) {
    List<TokenizedExample> examples = new ArrayList<>();
    try (SafeTensors file = SafeTensors.open(FOLDER.resolve("batches.safetensors"))) {
      for (int n = 0; n < STEPS * ACCUMULATION; n++) {
        Batch batch = Fixtures.batch(file, "." + n);
        for (int row = 0; row < batch.size(); row++) {
          int from = row * batch.length();
          int[] mask = Arrays.copyOfRange(batch.attentionMask(), from, from + batch.length());
          int to = from + Arrays.stream(mask).sum();
          examples.add(
              TokenizedExample.labelled(
                  Arrays.copyOfRange(batch.inputIds(), from, to), target(file, problem, n, row)));
        }
      }
    }
    return Dataset.of(examples);
  }

  private static SequenceLabels target(SafeTensors file, ProblemType problem, int n, int row) {
    String name = "targets." + problem.transformersName() + "." + n;
    if (problem == ProblemType.SINGLE_LABEL_CLASSIFICATION) {
      return SequenceLabels.ofClass(Fixtures.ints(file, name)[row]);
    }
    try (Tensor tensor = file.tensor(name)) {
      return SequenceLabels.ofValues(
          Arrays.copyOfRange(tensor.toFloatArray(), 3 * row, 3 * row + 3));
    }
  }

  @Test
  void unequalMicroBatchesGiveTheUpdateOfAllTheirSequences() {
    Dataset<TokenizedExample> five =
        Dataset.of(examplesInOrder(ProblemType.SINGLE_LABEL_CLASSIFICATION).rows().subList(0, 5));
    List<Double> losses = new ArrayList<>();
    for (int rows : new int[] {2, 5}) {
      try (SequenceClassifier base = load(ProblemType.SINGLE_LABEL_CLASSIFICATION);
          PeftModel<SequenceClassifier> peft =
              PeftModel.fromPretrained(
                  base, FOLDER.resolve("single_label_classification/adapter_init"), true)) {
        TrainingArguments args =
            TrainingArguments.builder()
                .outputDir(out)
                .maxSteps(2)
                .perDeviceTrainBatchSize(rows)
                .gradientAccumulationSteps(rows == 2 ? 3 : 1)
                .learningRate(1e-2)
                .saveStrategy(IntervalStrategy.NO)
                .disableTqdm(true)
                .build();
        losses.add(Trainer.builder(peft, args).trainDataset(five).build().train().trainingLoss());
      }
    }
    assertThat(losses.get(1)).isCloseTo(losses.get(0), within(1e-5));
  }

  @Test
  void evaluationsHaveTheMeanLossOfASequenceAndTheMeasures() {
    Dataset<TokenizedExample> dataset = examplesInOrder(ProblemType.SINGLE_LABEL_CLASSIFICATION);
    try (SequenceClassifier base = load(ProblemType.SINGLE_LABEL_CLASSIFICATION)) {
      EvaluationResult result =
          Trainer.builder(base, args(false))
              .evalDataset(dataset)
              .computeMetrics(ClassificationMetrics.of(base).batchSize(7))
              .build()
              .evaluate();
      assertThat(result.examples()).isEqualTo(96);
      assertThat(result.supervisedTokens()).isEqualTo(96);
      int right = 0;
      try (TensorScope scope = TensorScope.open()) {
        for (TokenizedExample example : dataset) {
          int[] mask = new int[example.length()];
          Arrays.fill(mask, 1);
          Batch row = new Batch(1, mask.length, example.inputIds(), mask, example.labels());
          long best = base.logits(row).argmax(-1).toLongArray()[0];
          right +=
              example.sequenceLabels().orElseThrow().equals(SequenceLabels.ofClass((int) best))
                  ? 1
                  : 0;
        }
      }
      assertThat(result.metrics().get("eval_accuracy")).isEqualTo(right / 96.0);
      assertThat(result.metrics()).containsKeys("eval_loss", "eval_f1");
    }
  }

  @Test
  void severalClassesAndNumbersHaveMeasuresOfTheirOwn() {
    for (ProblemType problem :
        List.of(ProblemType.MULTI_LABEL_CLASSIFICATION, ProblemType.REGRESSION)) {
      try (SequenceClassifier base = load(problem)) {
        Map<String, Double> metrics =
            ClassificationMetrics.of(base).compute(examplesInOrder(problem));
        if (problem == ProblemType.REGRESSION) {
          // Of three numbers each, the loss is the mean square too.
          double loss =
              Trainer.builder(base, args(false))
                  .evalDataset(examplesInOrder(problem))
                  .build()
                  .evaluate()
                  .loss();
          assertThat(metrics.get("mse")).isCloseTo(loss, within(1e-5));
          assertThat(metrics.get("mae")).isBetween(0.1, 3.0);
        } else {
          assertThat(metrics.get("accuracy")).isBetween(0.0, 0.5);
          assertThat(metrics.get("f1")).isBetween(0.2, 0.8);
        }
      }
    }
  }

  @Test
  void examplesWithoutLabelsTeachNothing() {
    Dataset<TokenizedExample> unlabelled =
        Dataset.of(List.of(new TokenizedExample(new int[] {3, 4}, new int[] {-100, -100})));
    try (SequenceClassifier base =
        load(ProblemType.SINGLE_LABEL_CLASSIFICATION).requiresGrad(true)) {
      Trainer trainer = Trainer.builder(base, args(false)).trainDataset(unlabelled).build();
      assertThatExceptionOfType(DatasetException.class)
          .isThrownBy(trainer::train)
          .withMessageContaining("TokenizedExample.labelled");
    }
  }
}
