package io.github.lora4j.examples.cli;

import io.github.lora4j.train.IntervalStrategy;
import io.github.lora4j.train.LrSchedulerType;
import io.github.lora4j.train.OptimizerName;
import io.github.lora4j.train.TrainingArguments;
import io.github.lora4j.train.TrainingArgumentsBuilder;
import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** How to train; defaults are transformers' unless a description says otherwise. */
final class TrainingOptions {

  /** Usual for LoRA; transformers' 5e-5 is meant for training all parameters. */
  private static final double DEFAULT_LEARNING_RATE = 2e-4;

  private static final int DEFAULT_LOGGING_STEPS = 10;

  @Option(
      names = "--epochs",
      paramLabel = "X",
      description = "Passes over the data, also a fraction. Default: 3.")
  private Optional<Double> epochs = Optional.empty();

  @Option(names = "--max-steps", paramLabel = "N", description = "Updates, whatever --epochs says.")
  private Optional<Integer> maxSteps = Optional.empty();

  @Option(
      names = "--batch-size",
      paramLabel = "N",
      description = "Rows of one forward pass. Default: 8.")
  private Optional<Integer> batchSize = Optional.empty();

  @Option(
      names = "--accumulation",
      paramLabel = "N",
      description = "Forward passes of one update. Default: 1.")
  private Optional<Integer> accumulation = Optional.empty();

  @Option(
      names = "--learning-rate",
      paramLabel = "X",
      description = "Peak of the schedule. Default: 2e-4.")
  private Optional<Double> learningRate = Optional.empty();

  @Option(
      names = "--lr-scheduler",
      paramLabel = "NAME",
      converter = SchedulerName.class,
      description = "linear, cosine, constant or constant_with_warmup. Default: linear.")
  private Optional<LrSchedulerType> scheduler = Optional.empty();

  @Option(
      names = "--warmup-ratio",
      paramLabel = "X",
      description = "Part of the run in which the learning rate rises. Default: 0.")
  private Optional<Double> warmupRatio = Optional.empty();

  @Option(
      names = "--optim",
      paramLabel = "NAME",
      converter = OptimName.class,
      description =
          "Optimizer by transformers' name, such as adamw_8bit, lion or sgd. Default: adamw_torch.")
  private Optional<OptimizerName> optim = Optional.empty();

  @Option(names = "--weight-decay", paramLabel = "X", description = "The optimizer's. Default: 0.")
  private Optional<Double> weightDecay = Optional.empty();

  @Option(
      names = "--max-grad-norm",
      paramLabel = "X",
      description = "Norm to which larger gradients are clipped, 0 for none. Default: 1.")
  private Optional<Double> maxGradNorm = Optional.empty();

  @Option(
      names = "--gradient-checkpointing",
      description = "Save memory: compute activations again in the backward pass.")
  private boolean gradientCheckpointing;

  @Option(
      names = "--logging-steps",
      paramLabel = "N",
      description = "Updates between loss lines. Default: 10.")
  private Optional<Integer> loggingSteps = Optional.empty();

  @Option(
      names = "--save-steps",
      paramLabel = "N",
      description = "Updates between checkpoints in OUTPUT/checkpoint-N. Default: none are kept.")
  private Optional<Integer> saveSteps = Optional.empty();

  @Option(
      names = "--seed",
      paramLabel = "N",
      description =
          "Where initialisation, order, dropout and --eval-split start from. Default: 42.")
  private long seed = 42;

  long seed() {
    return seed;
  }

  /**
   * The arguments.
   *
   * @param bf16 whether matrix products run in bfloat16
   * @param progressBar whether a bar may be shown on a terminal
   */
  TrainingArguments arguments(Path outputDir, boolean bf16, boolean progressBar) {
    TrainingArgumentsBuilder args =
        TrainingArguments.builder()
            .outputDir(outputDir)
            .learningRate(learningRate.orElse(DEFAULT_LEARNING_RATE))
            .gradientCheckpointing(gradientCheckpointing)
            .loggingSteps(loggingSteps.orElse(DEFAULT_LOGGING_STEPS))
            .loggingFirstStep(true)
            .saveStrategy(IntervalStrategy.NO)
            .seed(seed)
            .bf16(bf16)
            .disableTqdm(!progressBar);
    epochs.ifPresent(args::numTrainEpochs);
    maxSteps.ifPresent(args::maxSteps);
    batchSize.ifPresent(size -> args.perDeviceTrainBatchSize(size).perDeviceEvalBatchSize(size));
    accumulation.ifPresent(args::gradientAccumulationSteps);
    scheduler.ifPresent(args::lrSchedulerType);
    warmupRatio.ifPresent(args::warmupRatio);
    optim.ifPresent(args::optim);
    weightDecay.ifPresent(args::weightDecay);
    maxGradNorm.ifPresent(args::maxGradNorm);
    saveSteps.ifPresent(steps -> args.saveStrategy(IntervalStrategy.STEPS).saveSteps(steps));
    return args.build();
  }

  /** Finds a schedule by its name. */
  static final class SchedulerName implements ITypeConverter<LrSchedulerType> {
    @Override
    public LrSchedulerType convert(String value) {
      try {
        return LrSchedulerType.of(value);
      } catch (IllegalArgumentException e) {
        throw new TypeConversionException(e.getMessage());
      }
    }
  }

  /** Finds an optimizer by its name. */
  static final class OptimName implements ITypeConverter<OptimizerName> {
    @Override
    public OptimizerName convert(String value) {
      try {
        return OptimizerName.of(value);
      } catch (IllegalArgumentException e) {
        throw new TypeConversionException(e.getMessage());
      }
    }
  }
}
