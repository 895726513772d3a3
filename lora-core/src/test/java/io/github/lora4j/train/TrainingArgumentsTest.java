package io.github.lora4j.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class TrainingArgumentsTest {

  @Test
  void theDefaultsAreTransformers() {
    TrainingArguments args = TrainingArguments.builder().build();

    assertThat(args.outputDir()).isEqualTo(Path.of("trainer_output"));
    assertThat(args.perDeviceTrainBatchSize()).isEqualTo(8);
    assertThat(args.perDeviceEvalBatchSize()).isEqualTo(8);
    assertThat(args.numTrainEpochs()).isEqualTo(3.0);
    assertThat(args.maxSteps()).isEqualTo(-1);
    assertThat(args.learningRate()).isEqualTo(5e-5);
    assertThat(args.lrSchedulerType()).isEqualTo(LrSchedulerType.LINEAR);
    assertThat(args.warmupSteps()).isZero();
    assertThat(args.optim()).isEqualTo(OptimizerName.ADAMW_TORCH);
    assertThat(args.adamBeta1()).isEqualTo(0.9);
    assertThat(args.adamBeta2()).isEqualTo(0.999);
    assertThat(args.adamEpsilon()).isEqualTo(1e-8);
    assertThat(args.weightDecay()).isZero();
    assertThat(args.gradientAccumulationSteps()).isEqualTo(1);
    assertThat(args.maxGradNorm()).isEqualTo(1.0);
    assertThat(args.bf16()).isFalse();
    assertThat(args.gradientCheckpointing()).isFalse();
    assertThat(args.loggingStrategy()).isEqualTo(IntervalStrategy.STEPS);
    assertThat(args.loggingSteps()).isEqualTo(500);
    assertThat(args.loggingFirstStep()).isFalse();
    assertThat(args.evalStrategy()).isEqualTo(IntervalStrategy.NO);
    assertThat(args.evalSteps()).isEmpty();
    assertThat(args.saveStrategy()).isEqualTo(IntervalStrategy.STEPS);
    assertThat(args.saveSteps()).isEqualTo(500);
    assertThat(args.saveTotalLimit()).isEmpty();
    assertThat(args.seed()).isEqualTo(42);
    assertThat(args.dataSeed()).isEmpty();
    assertThat(args.trainSamplingStrategy()).isEqualTo(TrainSamplingStrategy.RANDOM);
    assertThat(args.dataloaderDropLast()).isFalse();
    assertThat(args.disableTqdm()).isFalse();
  }

  static Stream<Arguments> outOfRange() {
    return Stream.of(
        wrong("perDeviceTrainBatchSize", "0", b -> b.perDeviceTrainBatchSize(0)),
        wrong("perDeviceEvalBatchSize", "-1", b -> b.perDeviceEvalBatchSize(-1)),
        wrong("numTrainEpochs", "0.0", b -> b.numTrainEpochs(0)),
        wrong("maxSteps", "0", b -> b.maxSteps(0)),
        wrong("learningRate", "NaN", b -> b.learningRate(Double.NaN)),
        wrong("warmupSteps", "-1.0", b -> b.warmupSteps(-1)),
        wrong("warmupRatio", "1.5", b -> b.warmupRatio(1.5)),
        wrong("loraplusLrRatio", "0.0", b -> b.loraplusLrRatio(0)),
        wrong("loraplusLrEmbedding", "-1.0", b -> b.loraplusLrEmbedding(-1)),
        wrong("learningRate", "0.0", b -> b.loraplusLrRatio(2).learningRate(0)),
        wrong("adamBeta1", "1.0", b -> b.adamBeta1(1)),
        wrong("adamBeta2", "-0.1", b -> b.adamBeta2(-0.1)),
        wrong("adamEpsilon", "-1.0", b -> b.adamEpsilon(-1)),
        wrong("weightDecay", "-0.1", b -> b.weightDecay(-0.1)),
        wrong("gradientAccumulationSteps", "0", b -> b.gradientAccumulationSteps(0)),
        wrong("maxGradNorm", "-1.0", b -> b.maxGradNorm(-1)),
        wrong("labelSmoothingFactor", "1.5", b -> b.labelSmoothingFactor(1.5)),
        wrong("loggingSteps", "0.0", b -> b.loggingSteps(0)),
        wrong("evalSteps", "2.5", b -> b.evalSteps(2.5)),
        wrong("saveSteps", "0.0", b -> b.saveSteps(0)),
        wrong("saveTotalLimit", "0", b -> b.saveTotalLimit(0)));
  }

  private static Arguments wrong(
      String field, String found, Consumer<TrainingArgumentsBuilder> change) {
    return Arguments.of(field, found, change);
  }

  @ParameterizedTest(name = "{0} {1}")
  @MethodSource("outOfRange")
  void aValueOutOfRangeIsNamedWithItsRange(
      String field, String found, Consumer<TrainingArgumentsBuilder> change) {
    TrainingArgumentsBuilder builder = TrainingArguments.builder();
    change.accept(builder);

    assertThatThrownBy(builder::build)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith(field + ": expected ")
        .hasMessageEndingWith(", found " + found);
  }

  @Test
  void twoLengthsOfOneWarmupContradictEachOther() {
    TrainingArgumentsBuilder builder = TrainingArguments.builder().warmupSteps(5).warmupRatio(0.1);

    assertThatThrownBy(builder::build).hasMessageContaining("set one of them");
  }

  static Stream<Arguments> notBuilt() {
    return Stream.of(
        wrong("fp16", "true", b -> b.fp16(true)),
        wrong("groupByLength", "true", b -> b.groupByLength(true)),
        wrong("loadBestModelAtEnd", "true", b -> b.loadBestModelAtEnd(true)),
        wrong("neftuneNoiseAlpha", "5.0", b -> b.neftuneNoiseAlpha(5)),
        wrong("reportTo", "wandb", b -> b.reportTo("wandb")),
        wrong("saveOnlyModel", "false", b -> b.saveOnlyModel(false)),
        wrong(
            "resumeFromCheckpoint",
            "checkpoint-5",
            b -> b.resumeFromCheckpoint(Path.of("checkpoint-5"))));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("notBuilt")
  void aFieldThatIsNotBuiltThrowsWhenItIsSet(
      String field, String found, Consumer<TrainingArgumentsBuilder> change) {
    assertThatThrownBy(() -> change.accept(TrainingArguments.builder()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith(field + ": " + found + " is not built yet");
  }

  @Test
  void aFieldThatIsNotBuiltMayBeSetToItsDefault() {
    assertThatCode(
            () ->
                TrainingArguments.builder()
                    .fp16(false)
                    .groupByLength(false)
                    .loadBestModelAtEnd(false)
                    .labelSmoothingFactor(0)
                    .neftuneNoiseAlpha(0)
                    .reportTo("none")
                    .saveOnlyModel(true)
                    .build())
        .doesNotThrowAnyException();
  }
}
