package io.github.lora4j.train;

import java.nio.file.Path;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * Builds {@link TrainingArguments}; what isn't set has transformers' default.
 *
 * <p>The ranges are checked by {@link #build()}. Fields of transformers that common guides use but
 * that are not built yet are here to say so: they throw when they are set to anything but their
 * default.
 */
public final class TrainingArgumentsBuilder {

  private Path outputDir = Path.of("trainer_output");
  private int perDeviceTrainBatchSize = 8;
  private int perDeviceEvalBatchSize = 8;
  private double numTrainEpochs = 3.0;
  private int maxSteps = -1;
  private double learningRate = 5e-5;
  private LrSchedulerType lrSchedulerType = LrSchedulerType.LINEAR;
  private double warmupSteps = 0;
  private double warmupRatio = 0;
  private OptimizerName optim = OptimizerName.ADAMW_TORCH;
  private OptionalDouble loraplusLrRatio = OptionalDouble.empty();
  private double loraplusLrEmbedding = 1e-6;
  private double adamBeta1 = 0.9;
  private double adamBeta2 = 0.999;
  private double adamEpsilon = 1e-8;
  private double weightDecay = 0;
  private int gradientAccumulationSteps = 1;
  private double maxGradNorm = 1.0;
  private double labelSmoothingFactor;
  private boolean bf16 = false;
  private boolean gradientCheckpointing = false;
  private IntervalStrategy loggingStrategy = IntervalStrategy.STEPS;
  private double loggingSteps = 500;
  private boolean loggingFirstStep = false;
  private IntervalStrategy evalStrategy = IntervalStrategy.NO;
  private OptionalDouble evalSteps = OptionalDouble.empty();
  private IntervalStrategy saveStrategy = IntervalStrategy.STEPS;
  private double saveSteps = 500;
  private OptionalInt saveTotalLimit = OptionalInt.empty();
  private long seed = 42;
  private OptionalLong dataSeed = OptionalLong.empty();
  private TrainSamplingStrategy trainSamplingStrategy = TrainSamplingStrategy.RANDOM;
  private boolean dataloaderDropLast = false;
  private boolean disableTqdm = false;

  TrainingArgumentsBuilder() {}

  /** Where checkpoints go; default {@code trainer_output}. */
  public TrainingArgumentsBuilder outputDir(Path outputDir) {
    this.outputDir = outputDir;
    return this;
  }

  /** Examples of one forward pass in training; default 8. */
  public TrainingArgumentsBuilder perDeviceTrainBatchSize(int perDeviceTrainBatchSize) {
    this.perDeviceTrainBatchSize = perDeviceTrainBatchSize;
    return this;
  }

  /** Examples of one forward pass in evaluation; default 8. */
  public TrainingArgumentsBuilder perDeviceEvalBatchSize(int perDeviceEvalBatchSize) {
    this.perDeviceEvalBatchSize = perDeviceEvalBatchSize;
    return this;
  }

  /** Passes over the data, also a fraction; default 3. */
  public TrainingArgumentsBuilder numTrainEpochs(double numTrainEpochs) {
    this.numTrainEpochs = numTrainEpochs;
    return this;
  }

  /** Updates, whatever {@code numTrainEpochs} says; default -1, not set. */
  public TrainingArgumentsBuilder maxSteps(int maxSteps) {
    this.maxSteps = maxSteps;
    return this;
  }

  /** The schedule's peak; default 5e-5. */
  public TrainingArgumentsBuilder learningRate(double learningRate) {
    this.learningRate = learningRate;
    return this;
  }

  /** The schedule; default linear. */
  public TrainingArgumentsBuilder lrSchedulerType(LrSchedulerType lrSchedulerType) {
    this.lrSchedulerType = lrSchedulerType;
    return this;
  }

  /** Length of the warm-up in updates, or below 1 as a fraction of the run; default 0. */
  public TrainingArgumentsBuilder warmupSteps(double warmupSteps) {
    this.warmupSteps = warmupSteps;
    return this;
  }

  /** Length of the warm-up as a fraction of the run; default 0. */
  public TrainingArgumentsBuilder warmupRatio(double warmupRatio) {
    this.warmupRatio = warmupRatio;
    return this;
  }

  /** The optimizer; default AdamW. */
  public TrainingArgumentsBuilder optim(OptimizerName optim) {
    this.optim = optim;
    return this;
  }

  /**
   * The optimizer by transformers' name, such as {@code paged_adamw_8bit}; see {@link
   * OptimizerName#of}.
   *
   * @throws IllegalArgumentException for a name that is unknown or not built yet
   */
  public TrainingArgumentsBuilder optim(String optim) {
    return optim(OptimizerName.of(optim));
  }

  /**
   * LoRA+: how many times faster the matrices B of LoRA learn, 16 in its paper; default all learn
   * alike. PEFT's {@code create_loraplus_optimizer}, whose other arguments are {@code learningRate}
   * and {@code weightDecay} here.
   */
  public TrainingArgumentsBuilder loraplusLrRatio(double loraplusLrRatio) {
    this.loraplusLrRatio = OptionalDouble.of(loraplusLrRatio);
    return this;
  }

  /** LoRA+: the learning rate of LoRA on embeddings; default 1e-6. */
  public TrainingArgumentsBuilder loraplusLrEmbedding(double loraplusLrEmbedding) {
    this.loraplusLrEmbedding = loraplusLrEmbedding;
    return this;
  }

  /** Decay of AdamW's first moment; default 0.9. */
  public TrainingArgumentsBuilder adamBeta1(double adamBeta1) {
    this.adamBeta1 = adamBeta1;
    return this;
  }

  /** Decay of AdamW's second moment; default 0.999. */
  public TrainingArgumentsBuilder adamBeta2(double adamBeta2) {
    this.adamBeta2 = adamBeta2;
    return this;
  }

  /** What AdamW adds to the root of the second moment; default 1e-8. */
  public TrainingArgumentsBuilder adamEpsilon(double adamEpsilon) {
    this.adamEpsilon = adamEpsilon;
    return this;
  }

  /** Decoupled weight decay of all but biases and norms; default 0. */
  public TrainingArgumentsBuilder weightDecay(double weightDecay) {
    this.weightDecay = weightDecay;
    return this;
  }

  /** Forward passes of one update; default 1. The loss is that of one large batch. */
  public TrainingArgumentsBuilder gradientAccumulationSteps(int gradientAccumulationSteps) {
    this.gradientAccumulationSteps = gradientAccumulationSteps;
    return this;
  }

  /** 2-norm to which larger gradients are scaled down; default 1, 0 clips nothing. */
  public TrainingArgumentsBuilder maxGradNorm(double maxGradNorm) {
    this.maxGradNorm = maxGradNorm;
    return this;
  }

  /** Sets {@link TrainingArguments#labelSmoothingFactor}. */
  public TrainingArgumentsBuilder labelSmoothingFactor(double labelSmoothingFactor) {
    this.labelSmoothingFactor = labelSmoothingFactor;
    return this;
  }

  /** Whether matrix products run in bfloat16 (autocast); default false. */
  public TrainingArgumentsBuilder bf16(boolean bf16) {
    this.bf16 = bf16;
    return this;
  }

  /** Whether activations are computed again in the backward pass instead of kept; default false. */
  public TrainingArgumentsBuilder gradientCheckpointing(boolean gradientCheckpointing) {
    this.gradientCheckpointing = gradientCheckpointing;
    return this;
  }

  /** When loss lines are logged; default steps. */
  public TrainingArgumentsBuilder loggingStrategy(IntervalStrategy loggingStrategy) {
    this.loggingStrategy = loggingStrategy;
    return this;
  }

  /** Updates between loss lines, or below 1 a fraction of the run; default 500. */
  public TrainingArgumentsBuilder loggingSteps(double loggingSteps) {
    this.loggingSteps = loggingSteps;
    return this;
  }

  /** Whether the first update is logged whatever the interval; default false. */
  public TrainingArgumentsBuilder loggingFirstStep(boolean loggingFirstStep) {
    this.loggingFirstStep = loggingFirstStep;
    return this;
  }

  /** When the evaluation dataset is evaluated; default no. */
  public TrainingArgumentsBuilder evalStrategy(IntervalStrategy evalStrategy) {
    this.evalStrategy = evalStrategy;
    return this;
  }

  /**
   * Updates between evaluations, or below 1 a fraction of the run; default {@code loggingSteps}.
   */
  public TrainingArgumentsBuilder evalSteps(double evalSteps) {
    this.evalSteps = OptionalDouble.of(evalSteps);
    return this;
  }

  /** When a checkpoint is saved; default steps, and then also after the last update. */
  public TrainingArgumentsBuilder saveStrategy(IntervalStrategy saveStrategy) {
    this.saveStrategy = saveStrategy;
    return this;
  }

  /** Updates between checkpoints, or below 1 a fraction of the run; default 500. */
  public TrainingArgumentsBuilder saveSteps(double saveSteps) {
    this.saveSteps = saveSteps;
    return this;
  }

  /** How many checkpoints are kept; default all. */
  public TrainingArgumentsBuilder saveTotalLimit(int saveTotalLimit) {
    this.saveTotalLimit = OptionalInt.of(saveTotalLimit);
    return this;
  }

  /** Seed of dropout and, without a {@code dataSeed}, of the data order; default 42. */
  public TrainingArgumentsBuilder seed(long seed) {
    this.seed = seed;
    return this;
  }

  /** Seed of the data order; default the {@code seed}. */
  public TrainingArgumentsBuilder dataSeed(long dataSeed) {
    this.dataSeed = OptionalLong.of(dataSeed);
    return this;
  }

  /** The order of the examples; default random. */
  public TrainingArgumentsBuilder trainSamplingStrategy(
      TrainSamplingStrategy trainSamplingStrategy) {
    this.trainSamplingStrategy = trainSamplingStrategy;
    return this;
  }

  /** Whether a last batch that is not full is left out; default false. */
  public TrainingArgumentsBuilder dataloaderDropLast(boolean dataloaderDropLast) {
    this.dataloaderDropLast = dataloaderDropLast;
    return this;
  }

  /** Whether there is no progress bar even on a terminal; default false. */
  public TrainingArgumentsBuilder disableTqdm(boolean disableTqdm) {
    this.disableTqdm = disableTqdm;
    return this;
  }

  /**
   * Whether checkpoints lack what resuming needs; must be {@code true} if set at all.
   *
   * @throws IllegalArgumentException for {@code false}: checkpoints hold the model or adapter and
   *     {@code trainer_state.json}, the optimizer's state isn't saved yet
   */
  public TrainingArgumentsBuilder saveOnlyModel(boolean saveOnlyModel) {
    return notYet(
        "saveOnlyModel",
        saveOnlyModel,
        true,
        "checkpoints hold the model or adapter and trainer_state.json; leave it unset or true");
  }

  /** Not built yet: throws. */
  public TrainingArgumentsBuilder resumeFromCheckpoint(Path checkpoint) {
    return notYet(
        "resumeFromCheckpoint",
        checkpoint,
        "unset",
        "load the checkpoint's adapter and start a new run with it, without the optimizer's state");
  }

  /** Not built yet: throws for {@code true}. */
  public TrainingArgumentsBuilder fp16(boolean fp16) {
    return notYet("fp16", fp16, false, "use bf16(true), which needs no loss scaling");
  }

  /** Not built yet: throws for {@code true}. */
  public TrainingArgumentsBuilder groupByLength(boolean groupByLength) {
    return notYet(
        "groupByLength", groupByLength, false, "sort the dataset and sample sequentially");
  }

  /** Not built yet: throws for {@code true}. */
  public TrainingArgumentsBuilder loadBestModelAtEnd(boolean loadBestModelAtEnd) {
    return notYet(
        "loadBestModelAtEnd",
        loadBestModelAtEnd,
        false,
        "load the checkpoint whose evaluation was best (see TrainingResult.logHistory())");
  }

  /** Not built yet: throws for anything but 0. */
  public TrainingArgumentsBuilder neftuneNoiseAlpha(double neftuneNoiseAlpha) {
    return notYet("neftuneNoiseAlpha", neftuneNoiseAlpha, 0.0, "leave it at 0");
  }

  /** Not built yet: throws for anything but {@code none}. */
  public TrainingArgumentsBuilder reportTo(String reportTo) {
    return notYet("reportTo", reportTo, "none", "pass a TrainerCallback whose onLog reports");
  }

  private TrainingArgumentsBuilder notYet(
      String field, Object value, Object builtValue, String instead) {
    if (!value.equals(builtValue)) {
      throw new IllegalArgumentException(
          "%s: %s is not built yet, expected %s; %s".formatted(field, value, builtValue, instead));
    }
    return this;
  }

  /**
   * Checks the ranges and returns the arguments.
   *
   * @throws IllegalArgumentException naming the field, its range and what was found
   */
  public TrainingArguments build() {
    return new TrainingArguments(
        outputDir,
        perDeviceTrainBatchSize,
        perDeviceEvalBatchSize,
        numTrainEpochs,
        maxSteps,
        learningRate,
        lrSchedulerType,
        warmupSteps,
        warmupRatio,
        optim,
        loraplusLrRatio,
        loraplusLrEmbedding,
        adamBeta1,
        adamBeta2,
        adamEpsilon,
        weightDecay,
        gradientAccumulationSteps,
        maxGradNorm,
        labelSmoothingFactor,
        bf16,
        gradientCheckpointing,
        loggingStrategy,
        loggingSteps,
        loggingFirstStep,
        evalStrategy,
        evalSteps,
        saveStrategy,
        saveSteps,
        saveTotalLimit,
        seed,
        dataSeed,
        trainSamplingStrategy,
        dataloaderDropLast,
        disableTqdm);
  }
}
