package io.github.lora4j.train;

import static io.github.lora4j.train.ToyRuns.DATA;
import static io.github.lora4j.train.ToyRuns.args;
import static io.github.lora4j.train.ToyRuns.losses;
import static io.github.lora4j.train.ToyRuns.stepsInto;
import static io.github.lora4j.train.ToyRuns.train;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.lora4j.data.Batch;
import io.github.lora4j.data.DataCollator;
import io.github.lora4j.data.Dataset;
import io.github.lora4j.data.PaddingCollator;
import io.github.lora4j.data.TokenizedExample;
import io.github.lora4j.nn.ForwardContext;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrainerTest {

  @TempDir private Path out;

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
          Trainer.builder(model, args(out).numTrainEpochs(15).build())
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
          args(out)
              .perDeviceTrainBatchSize(1)
              .gradientAccumulationSteps(4)
              .weightDecay(0.1)
              .build();

      TrainingResult a = Trainer.builder(small, accumulated).trainDataset(DATA).build().train();
      TrainingResult b =
          Trainer.builder(large, args(out).weightDecay(0.1).build())
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
          args(out)
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

  @Test
  void logLinesAverageTheUpdatesSinceTheLastOne() {
    try (ToyModel model = new ToyModel(0.0)) {
      List<StepInfo> steps = new ArrayList<>();
      TrainingArguments args = args(out).maxSteps(7).loggingSteps(3).loggingFirstStep(true).build();

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
      TrainingArguments args = args(out).maxSteps(1).warmupRatio(0.5).build();
      Trainer.builder(model, args).trainDataset(DATA).build().train();
      assertSame(model, untouched, 0f);

      TrainingArguments longer = args(out).maxSteps(4).warmupSteps(2).build();
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
      List<Double> first = losses(train(a, args(out).seed(5).dataSeed(1)));

      assertThat(losses(train(b, args(out).seed(5).dataSeed(1)))).isEqualTo(first);
      assertSame(a, b, 0f);
      assertThat(losses(train(otherDropout, args(out).seed(6).dataSeed(1)))).isNotEqualTo(first);
      assertThat(losses(train(otherOrder, args(out).seed(5).dataSeed(2)))).isNotEqualTo(first);
    }
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
      Trainer.builder(model, args(out).numTrainEpochs(2).dataSeed(9).build())
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
      List<Double> inHalf = losses(train(half, args(out).bf16(true)));
      List<Double> inFull = losses(train(full, args(out)));

      assertClose(inHalf, inFull, 0.05);
      assertThat(inHalf).isNotEqualTo(inFull);
    }
  }
}
