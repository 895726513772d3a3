package io.github.lora4j.train;

import static io.github.lora4j.train.ToyRuns.DATA;
import static io.github.lora4j.train.ToyRuns.args;
import static io.github.lora4j.train.ToyRuns.stepsInto;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.lora4j.data.Dataset;
import io.github.lora4j.data.PaddingCollator;
import io.github.lora4j.data.TokenizedExample;
import io.github.lora4j.nn.ForwardContext;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** When callbacks, evaluation, checkpoints and stops happen. */
class TrainerFlowTest {

  @TempDir private Path out;

  private static final class Listening implements TrainerCallback {
    private final List<String> heard;

    Listening(List<String> heard) {
      this.heard = heard;
    }

    @Override
    public void onTrainBegin(TrainerState state, TrainerControl control) {
      heard.add("begin " + state.globalStep() + "/" + state.maxSteps());
    }

    @Override
    public void onStepEnd(StepInfo step, TrainerControl control) {
      heard.add("step " + step.step());
    }

    @Override
    public void onLog(LogRow row, TrainerControl control) {
      heard.add("log " + row.values().keySet().iterator().next());
    }

    @Override
    public void onEvaluate(TrainerState state, EvaluationResult result, TrainerControl control) {
      heard.add("evaluate " + state.globalStep() + " " + result.metrics().get("epoch"));
    }

    @Override
    public void onSave(TrainerState state, Path checkpoint, TrainerControl control) {
      assertThat(checkpoint.resolve("trainer_state.json")).exists();
      heard.add("save " + checkpoint.getFileName());
    }

    @Override
    public void onTrainEnd(TrainerState state) {
      heard.add("end " + state.globalStep() + "/" + state.maxSteps());
    }
  }

  @Test
  void stoppingFromACallbackReturnsTheNumbersOfWhatRan() {
    try (ToyModel model = new ToyModel(0.0)) {
      List<StepInfo> steps = new ArrayList<>();
      TrainerCallback stopAtThree =
          new TrainerCallback() {
            @Override
            public void onStepEnd(StepInfo step, TrainerControl control) {
              if (step.step() == 3) {
                control.requestStop();
              }
            }
          };

      TrainingResult result =
          Trainer.builder(model, args(out).numTrainEpochs(2).build())
              .trainDataset(DATA)
              .callbacks(stepsInto(steps), stopAtThree)
              .build()
              .train();

      Map<String, Double> metrics = result.metrics();
      double runtime = metrics.get("train_runtime");
      assertThat(result.globalStep()).isEqualTo(3);
      assertThat(metrics.get("train_steps_per_second") * runtime)
          .isCloseTo(3, within(0.01 + 0.001 * runtime + 3e-4 / runtime));
      assertThat(metrics.get("train_samples_per_second") * runtime)
          .isCloseTo(12, within(0.04 + 0.001 * runtime + 12e-4 / runtime));
      assertThat(metrics).containsEntry("epoch", 0.5);
      assertThat(result.trainingLoss())
          .isCloseTo(
              steps.stream().mapToDouble(StepInfo::loss).average().orElseThrow(), within(1e-12));
      assertThat(metrics).containsEntry("train_loss", result.trainingLoss());
    }
  }

  @Test
  void aStopAskedForBeforeTheFirstUpdateIsHeard() {
    try (ToyModel model = new ToyModel(0.0)) {
      TrainerCallback stop =
          new TrainerCallback() {
            @Override
            public void onTrainBegin(TrainerState state, TrainerControl control) {
              control.requestStop();
            }
          };

      TrainingResult result =
          Trainer.builder(model, args(out).build())
              .trainDataset(DATA)
              .callbacks(stop)
              .build()
              .train();

      assertThat(result.globalStep()).isZero();
      assertThat(result.trainingLoss()).isZero();
    }
  }

  @Test
  void theEvaluationLossIsPerTokenWhateverTheBatches() {
    Dataset<TokenizedExample> uneven =
        Dataset.of(
            List.of(
                new TokenizedExample(new int[] {3, 4, 5, 6, 2}, new int[] {3, 4, 5, 6, 2}),
                new TokenizedExample(new int[] {3, 9}, new int[] {-100, 9}),
                new TokenizedExample(new int[] {3, 9}, new int[] {-100, -100})));
    try (ToyModel model = new ToyModel(0.0)) {
      double sum =
          uneven.stream()
              .filter(e -> e.supervisedTokens() > 0)
              .mapToDouble(
                  e -> model.loss(PaddingCollator.of(0).collate(List.of(e)), ForwardContext.eval()))
              .sum();

      for (int batchSize : new int[] {1, 2, 8}) {
        EvaluationResult result =
            Trainer.builder(model, args(out).perDeviceEvalBatchSize(batchSize).build())
                .evalDataset(uneven)
                .build()
                .evaluate();

        assertThat(result.loss()).isCloseTo(sum / 5, within(1e-6));
        assertThat(result.perplexity()).isEqualTo(Math.exp(result.loss()));
        assertThat(result.supervisedTokens()).isEqualTo(5);
        assertThat(result.examples()).isEqualTo(2);
        assertThat(result.metrics())
            .containsEntry("eval_loss", result.loss())
            .containsOnlyKeys(
                "eval_loss", "eval_runtime", "eval_samples_per_second", "eval_steps_per_second");
      }
    }
  }

  @Test
  void callbacksHearEverythingInOrder() {
    List<String> heard = new ArrayList<>();
    try (ToyModel model = new ToyModel(0.0)) {
      TrainingArguments args =
          args(out)
              .maxSteps(3)
              .loggingSteps(2)
              .evalStrategy(IntervalStrategy.STEPS)
              .saveStrategy(IntervalStrategy.STEPS)
              .saveSteps(2)
              .build();

      Trainer.builder(model, args)
          .trainDataset(DATA)
          .evalDataset(DATA)
          .callbacks(new Listening(heard))
          .build()
          .train();
    }
    assertThat(heard)
        .containsExactly(
            "begin 0/3",
            "step 1",
            "step 2",
            "log loss",
            "log eval_loss",
            "evaluate 2 0.3333333333333333",
            "save checkpoint-2",
            "step 3",
            "log eval_loss",
            "evaluate 3 0.5",
            "save checkpoint-3",
            "log train_runtime",
            "end 3/3");
  }

  @Test
  void epochStrategiesActAtTheEndOfEachEpoch() {
    List<String> heard = new ArrayList<>();
    try (ToyModel model = new ToyModel(0.0)) {
      TrainingArguments args =
          args(out)
              .numTrainEpochs(1.5)
              .perDeviceTrainBatchSize(12)
              .loggingStrategy(IntervalStrategy.EPOCH)
              .evalStrategy(IntervalStrategy.EPOCH)
              .saveStrategy(IntervalStrategy.EPOCH)
              .build();

      Trainer.builder(model, args)
          .trainDataset(DATA)
          .evalDataset(DATA)
          .callbacks(new Listening(heard))
          .build()
          .train();
    }
    assertThat(heard)
        .containsExactly(
            "begin 0/3",
            "step 1",
            "step 2",
            "log loss",
            "log eval_loss",
            "evaluate 2 1.0",
            "save checkpoint-2",
            "step 3",
            "log loss",
            "log eval_loss",
            "evaluate 3 1.5",
            "save checkpoint-3",
            "log train_runtime",
            "end 3/3");
  }

  @Test
  void checkpointsAreKeptUpToTheLimit() throws Exception {
    try (ToyModel model = new ToyModel(0.0)) {
      TrainingArguments args =
          args(out)
              .saveStrategy(IntervalStrategy.STEPS)
              .saveSteps(1)
              .saveTotalLimit(2)
              .maxSteps(4)
              .build();

      Trainer.builder(model, args).trainDataset(DATA).build().train();

      try (var entries = java.nio.file.Files.list(out)) {
        assertThat(entries.map(p -> p.getFileName().toString()).collect(Collectors.toSet()))
            .containsExactlyInAnyOrder("checkpoint-3", "checkpoint-4");
      }
      assertThat(out.resolve("checkpoint-4/toy.txt"))
          .hasContent(Arrays.toString(model.values().get("head.bias")));
    }
  }
}
