package io.github.lora4j.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.lora4j.data.Batch;
import io.github.lora4j.data.DataCollator;
import io.github.lora4j.data.Dataset;
import io.github.lora4j.data.PaddingCollator;
import io.github.lora4j.data.TokenizedExample;
import io.github.lora4j.error.TrainingDivergedException;
import io.github.lora4j.nn.ForwardContext;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrainerTest {

  private static final Dataset<TokenizedExample> DATA = Dataset.of(ToyModel.examples(24));

  @TempDir private Path out;

  private TrainingArgumentsBuilder args() {
    return TrainingArguments.builder()
        .outputDir(out)
        .disableTqdm(true)
        .saveStrategy(IntervalStrategy.NO)
        .learningRate(0.02)
        .perDeviceTrainBatchSize(4)
        .loggingSteps(1);
  }

  private static List<Double> losses(TrainingResult result) {
    return result.logHistory().stream().flatMap(row -> row.value("loss").stream().boxed()).toList();
  }

  private static void assertClose(List<Double> found, List<Double> expected, double tolerance) {
    assertThat(found).hasSameSizeAs(expected);
    for (int i = 0; i < found.size(); i++) {
      assertThat(found.get(i)).as("at %d", i).isCloseTo(expected.get(i), within(tolerance));
    }
  }

  private static void assertSame(ToyModel a, ToyModel b, float tolerance) {
    Map<String, float[]> expected = b.values();
    a.values().forEach((k, v) -> assertThat(v).containsExactly(expected.get(k), within(tolerance)));
  }

  @Test
  void trainingLowersTheLoss() {
    try (ToyModel model = new ToyModel(0.0)) {
      Trainer trainer =
          Trainer.builder(model, args().numTrainEpochs(15).build())
              .trainDataset(DATA)
              .evalDataset(DATA)
              .build();
      double before = trainer.evaluate().loss();

      TrainingResult result = trainer.train();

      assertThat(result.globalStep()).isEqualTo(15 * 6);
      assertThat(before).isGreaterThan(2);
      assertThat(trainer.evaluate().loss()).isLessThan(1.1);
    }
  }

  @Test
  void accumulatingSmallBatchesGivesTheUpdatesOfALargeOne() {
    try (ToyModel small = new ToyModel(0.0);
        ToyModel large = new ToyModel(0.0)) {
      TrainingArguments accumulated =
          args().perDeviceTrainBatchSize(1).gradientAccumulationSteps(4).weightDecay(0.1).build();

      TrainingResult a = Trainer.builder(small, accumulated).trainDataset(DATA).build().train();
      TrainingResult b =
          Trainer.builder(large, args().weightDecay(0.1).build())
              .trainDataset(DATA)
              .build()
              .train();

      assertClose(losses(a), losses(b), 1e-5);
      assertSame(small, large, 1e-4f);
    }
  }

  @Test
  void aShortLastUpdateIsDividedByItsOwnTokens() {
    try (ToyModel model = new ToyModel(0.0)) {
      List<StepInfo> steps = new ArrayList<>();
      TrainingArguments args =
          args()
              .perDeviceTrainBatchSize(2)
              .gradientAccumulationSteps(4)
              .numTrainEpochs(1)
              .learningRate(0)
              .trainSamplingStrategy(TrainSamplingStrategy.SEQUENTIAL)
              .build();
      Dataset<TokenizedExample> data = Dataset.of(ToyModel.examples(11));

      Trainer.builder(model, args).trainDataset(data).callbacks(stepsInto(steps)).build().train();

      assertThat(steps).hasSize(2);
      Batch rest = PaddingCollator.of(0).collate(data.rows().subList(8, 11));
      assertThat(steps.get(1).supervisedTokens()).isEqualTo(rest.supervisedTokens());
      assertThat(steps.get(1).inputTokens()).isEqualTo(rest.tokens());
      assertThat(steps.get(1).loss())
          .isCloseTo(
              model.loss(rest, ForwardContext.eval()) / rest.supervisedTokens(), within(1e-6));
      assertThat(steps.get(0).epoch()).isEqualTo(4 / 6.0);
      assertThat(steps.get(1).epoch()).isEqualTo(1.0);
    }
  }

  private static TrainerCallback stepsInto(List<StepInfo> steps) {
    return new TrainerCallback() {
      @Override
      public void onStepEnd(StepInfo step, TrainerControl control) {
        steps.add(step);
      }
    };
  }

  @Test
  void logLinesAverageTheUpdatesSinceTheLastOne() {
    try (ToyModel model = new ToyModel(0.0)) {
      List<StepInfo> steps = new ArrayList<>();
      TrainingArguments args = args().maxSteps(7).loggingSteps(3).loggingFirstStep(true).build();

      TrainingResult result =
          Trainer.builder(model, args)
              .trainDataset(DATA)
              .callbacks(stepsInto(steps))
              .build()
              .train();

      List<LogRow> rows = result.logHistory();
      assertThat(rows.stream().map(LogRow::step)).containsExactly(1, 3, 6, 7);
      assertThat(rows.get(0).value("loss")).hasValue(steps.get(0).loss());
      double mean = (steps.get(3).loss() + steps.get(4).loss() + steps.get(5).loss()) / 3;
      assertThat(rows.get(2).value("loss").orElseThrow()).isCloseTo(mean, within(1e-12));
      assertThat(rows.get(2).value("grad_norm")).hasValue(steps.get(5).gradNorm());
      assertThat(rows.get(2).epoch()).isEqualTo(1.0);
      assertThat(rows.get(2).values())
          .containsKeys("learning_rate", "tokens_per_second", "peak_memory_mb");
      assertThat(rows.get(3).values()).containsKeys("train_runtime", "train_loss", "total_flos");
      assertThat(rows.get(2).toString()).startsWith("{'loss': ").contains("'epoch': 1}");
    }
  }

  @Test
  void theFirstUpdateOfAWarmupUsesZeroAndChangesNothing() {
    try (ToyModel model = new ToyModel(0.0);
        ToyModel untouched = new ToyModel(0.0)) {
      List<StepInfo> steps = new ArrayList<>();
      TrainingArguments args = args().maxSteps(1).warmupRatio(0.5).build();
      Trainer.builder(model, args).trainDataset(DATA).build().train();
      assertSame(model, untouched, 0f);

      TrainingArguments longer = args().maxSteps(4).warmupSteps(2).build();
      Trainer.builder(model, longer).trainDataset(DATA).callbacks(stepsInto(steps)).build().train();

      assertThat(steps.stream().map(StepInfo::learningRate)).containsExactly(0.0, 0.01, 0.02, 0.01);
    }
  }

  @Test
  void aSeedRepeatsARunBitForBitAndAnotherDoesNot() {
    try (ToyModel a = new ToyModel(0.3);
        ToyModel b = new ToyModel(0.3);
        ToyModel otherDropout = new ToyModel(0.3);
        ToyModel otherOrder = new ToyModel(0.3)) {
      List<Double> first = losses(train(a, args().seed(5).dataSeed(1)));

      assertThat(losses(train(b, args().seed(5).dataSeed(1)))).isEqualTo(first);
      assertSame(a, b, 0f);
      assertThat(losses(train(otherDropout, args().seed(6).dataSeed(1)))).isNotEqualTo(first);
      assertThat(losses(train(otherOrder, args().seed(5).dataSeed(2)))).isNotEqualTo(first);
    }
  }

  private static TrainingResult train(ToyModel model, TrainingArgumentsBuilder args) {
    return Trainer.builder(model, args.numTrainEpochs(1).build())
        .trainDataset(DATA)
        .build()
        .train();
  }

  @Test
  void eachEpochVisitsEveryExampleOnceInAnOrderOfItsOwn() {
    List<TokenizedExample> seen = new ArrayList<>();
    DataCollator recording =
        examples -> {
          seen.addAll(examples);
          return PaddingCollator.of(0).collate(examples);
        };
    Dataset<TokenizedExample> data =
        Dataset.of(
            IntStream.range(3, 11)
                .mapToObj(i -> new TokenizedExample(new int[] {i, 2}, new int[] {i, 2}))
                .toList());
    try (ToyModel model = new ToyModel(0.0)) {
      Trainer.builder(model, args().numTrainEpochs(2).dataSeed(9).build())
          .trainDataset(data)
          .dataCollator(recording)
          .build()
          .train();
    }

    assertThat(seen.subList(0, 8)).containsExactlyInAnyOrderElementsOf(data.rows());
    assertThat(seen.subList(8, 16)).containsExactlyInAnyOrderElementsOf(data.rows());
    assertThat(seen.subList(0, 8)).isEqualTo(data.shuffle(9).rows()).isNotEqualTo(data.rows());
    assertThat(seen.subList(8, 16)).isEqualTo(data.shuffle(10).rows());
  }

  @Test
  void bfloat16TrainsCloseToFloat32ButNotEqually() {
    try (ToyModel half = new ToyModel(0.0);
        ToyModel full = new ToyModel(0.0)) {
      List<Double> inHalf = losses(train(half, args().bf16(true)));
      List<Double> inFull = losses(train(full, args()));

      assertClose(inHalf, inFull, 0.05);
      assertThat(inHalf).isNotEqualTo(inFull);
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
          Trainer.builder(model, args().numTrainEpochs(2).build())
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
          Trainer.builder(model, args().build()).trainDataset(DATA).callbacks(stop).build().train();

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
            Trainer.builder(model, args().perDeviceEvalBatchSize(batchSize).build())
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
          args()
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
  void epochStrategiesActAtTheEndOfEachEpoch() {
    List<String> heard = new ArrayList<>();
    try (ToyModel model = new ToyModel(0.0)) {
      TrainingArguments args =
          args()
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
  void aLossThatIsNotFiniteStopsBeforeItIsApplied() {
    try (ToyModel model = new ToyModel(0.0)) {
      List<Map<String, float[]>> after = new ArrayList<>();
      TrainerCallback recording =
          new TrainerCallback() {
            @Override
            public void onStepEnd(StepInfo step, TrainerControl control) {
              after.add(model.values());
            }
          };
      TrainingArguments args = args().learningRate(1e37).maxGradNorm(0).build();
      Trainer trainer =
          Trainer.builder(model, args).trainDataset(DATA).callbacks(recording).build();

      assertThatThrownBy(trainer::train)
          .isInstanceOf(TrainingDivergedException.class)
          .hasMessageMatching(
              "The (loss|grad_norm) of step 2 is (NaN|Infinity); the losses before it: [0-9.]+\\."
                  + " The update was not applied\\. Lower learningRate .*");
      assertThat(after).hasSize(1);
      Map<String, float[]> now = model.values();
      after.get(0).forEach((name, values) -> assertThat(now.get(name)).containsExactly(values));
    }
  }

  @Test
  void aModelThatIsBrokenFromTheStartIsSaidToBe() {
    try (ToyModel model = new ToyModel(0.0)) {
      model.trainableParameters().get("head.bias").detach().fillInPlace(Double.NaN);
      Trainer trainer =
          Trainer.builder(model, args().build()).trainDataset(DATA).evalDataset(DATA).build();

      assertThatThrownBy(trainer::train)
          .isInstanceOf(TrainingDivergedException.class)
          .hasMessageContaining("The loss of step 1 is NaN; no update came before it.");
      model.trainableParameters().values().forEach(p -> assertThat(p.grad()).isEmpty());
      assertThatThrownBy(trainer::evaluate)
          .isInstanceOf(TrainingDivergedException.class)
          .hasMessageContaining("The evaluation loss is NaN");
    }
  }

  @Test
  void anEvaluationThatDivergesNamesTheStep() {
    try (ToyModel model = new ToyModel(0.0)) {
      TrainerCallback breaking =
          new TrainerCallback() {
            @Override
            public void onStepEnd(StepInfo step, TrainerControl control) {
              if (step.step() == 2) {
                model.trainableParameters().get("head.bias").detach().fillInPlace(Double.NaN);
              }
            }
          };
      TrainingArguments args =
          args().evalStrategy(IntervalStrategy.STEPS).evalSteps(2).maxSteps(4).build();
      Trainer trainer =
          Trainer.builder(model, args)
              .trainDataset(DATA)
              .evalDataset(DATA)
              .callbacks(breaking)
              .build();

      assertThatThrownBy(trainer::train)
          .isInstanceOf(TrainingDivergedException.class)
          .hasMessageContaining("The evaluation loss after step 2 is NaN");
    }
  }

  @Test
  void staleGradientsOfTheModelDontCount() {
    try (ToyModel fresh = new ToyModel(0.0);
        ToyModel used = new ToyModel(0.0)) {
      used.lossAndBackward(
          PaddingCollator.of(0).collate(ToyModel.examples(3)),
          100,
          io.github.lora4j.nn.ForwardContext.eval());

      assertThat(losses(train(used, args()))).isEqualTo(losses(train(fresh, args())));
      used.trainableParameters().values().forEach(p -> assertThat(p.grad()).isEmpty());
    }
  }

  @Test
  void aCollatorThatMasksEverythingIsAnError() {
    DataCollator masking =
        examples -> {
          Batch batch = PaddingCollator.of(0).collate(examples);
          int[] masked = batch.labels().clone();
          Arrays.fill(masked, TokenizedExample.IGNORE_INDEX);
          return new Batch(
              batch.size(), batch.length(), batch.inputIds(), batch.attentionMask(), masked);
        };
    try (ToyModel model = new ToyModel(0.0)) {
      Trainer trainer =
          Trainer.builder(model, args().build()).trainDataset(DATA).dataCollator(masking).build();

      assertThatThrownBy(trainer::train)
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("No batch of step 1 has a supervised token");
    }
  }

  @Test
  void whatIsMissingIsNamed() {
    try (ToyModel model = new ToyModel(0.0)) {
      assertThatThrownBy(() -> Trainer.builder(model, args().build()).build().train())
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("trainDataset");
      assertThatThrownBy(() -> Trainer.builder(model, args().build()).build().evaluate())
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("evalDataset");
      TrainingArguments evaluating = args().evalStrategy(IntervalStrategy.EPOCH).build();
      assertThatThrownBy(() -> Trainer.builder(model, evaluating).build())
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage(
              "evalStrategy: expected NO without an evalDataset, found EPOCH; set an evalDataset");
    }
  }

  @Test
  void checkpointsAreKeptUpToTheLimit() throws Exception {
    try (ToyModel model = new ToyModel(0.0)) {
      TrainingArguments args =
          args()
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
