package io.github.lora4j.train;

import java.nio.file.Path;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * How to train: transformers' {@code TrainingArguments}, with its names in camel case and its
 * defaults.
 *
 * <p>Made by {@link #builder()}. The components that take {@code double} steps read a number from 1
 * on as updates and one below 1 as a fraction of the whole run, rounded up.
 *
 * @param outputDir where checkpoints go, which hold the model or adapter and {@code
 *     trainer_state.json}; default {@code trainer_output}
 * @param perDeviceTrainBatchSize examples of one forward pass in training; default 8
 * @param perDeviceEvalBatchSize examples of one forward pass in evaluation; default 8
 * @param numTrainEpochs passes over the data, above 0, also a fraction; default 3
 * @param maxSteps updates, whatever {@code numTrainEpochs} says; default -1: not set
 * @param learningRate the schedule's peak; default 5e-5
 * @param lrSchedulerType the schedule; default linear
 * @param warmupSteps length of the warm-up as steps; default 0
 * @param warmupRatio length of the warm-up as a fraction of the run; default 0; the older way to
 *     say {@code warmupSteps} below 1, only one of both may be set
 * @param optim the optimizer; default AdamW
 * @param loraplusLrRatio LoRA+: how many times faster than the rest the matrices B of LoRA learn,
 *     and all vectors; at least 1 is meant; default none
 * @param loraplusLrEmbedding LoRA+: the schedule's peak for LoRA of embeddings; default 1e-6;
 *     without {@code loraplusLrRatio} they learn like the rest
 * @param adamBeta1 decay of the first moment; default 0.9
 * @param adamBeta2 decay of the second moment; default 0.999
 * @param adamEpsilon added to the square root of the second moment; default 1e-8
 * @param weightDecay decoupled weight decay of all but biases and norms; default 0
 * @param gradientAccumulationSteps forward passes of one update; default 1
 * @param maxGradNorm 2-norm to which larger gradients are scaled down; default 1; 0 clips nothing
 * @param labelSmoothingFactor the share of each target that is spread over the vocabulary evenly,
 *     in training and evaluation; default 0
 * @param bf16 whether matrix products run in bfloat16 (autocast); default false
 * @param gradientCheckpointing whether activations are computed again in the backward pass instead
 *     of kept; default false
 * @param loggingStrategy when loss lines are logged; default steps
 * @param loggingSteps updates between loss lines; default 500
 * @param loggingFirstStep whether the first update is logged whatever the interval; default false
 * @param evalStrategy when the evaluation dataset is evaluated; default no
 * @param evalSteps updates between evaluations; default {@code loggingSteps}
 * @param saveStrategy when a checkpoint is saved; default steps
 * @param saveSteps updates between checkpoints; default 500
 * @param saveTotalLimit how many checkpoints are kept in {@code outputDir}, the oldest go; default
 *     all
 * @param seed seed of dropout and, where there is no {@code dataSeed}, of the data order; default
 *     42
 * @param dataSeed seed of the data order
 * @param trainSamplingStrategy the order of the examples; default random
 * @param dataloaderDropLast whether a last batch that is not full is left out; default false
 * @param disableTqdm whether there is no progress bar even on a terminal; default false
 */
public record TrainingArguments(
    Path outputDir,
    int perDeviceTrainBatchSize,
    int perDeviceEvalBatchSize,
    double numTrainEpochs,
    int maxSteps,
    double learningRate,
    LrSchedulerType lrSchedulerType,
    double warmupSteps,
    double warmupRatio,
    OptimizerName optim,
    OptionalDouble loraplusLrRatio,
    double loraplusLrEmbedding,
    double adamBeta1,
    double adamBeta2,
    double adamEpsilon,
    double weightDecay,
    int gradientAccumulationSteps,
    double maxGradNorm,
    double labelSmoothingFactor,
    boolean bf16,
    boolean gradientCheckpointing,
    IntervalStrategy loggingStrategy,
    double loggingSteps,
    boolean loggingFirstStep,
    IntervalStrategy evalStrategy,
    OptionalDouble evalSteps,
    IntervalStrategy saveStrategy,
    double saveSteps,
    OptionalInt saveTotalLimit,
    long seed,
    OptionalLong dataSeed,
    TrainSamplingStrategy trainSamplingStrategy,
    boolean dataloaderDropLast,
    boolean disableTqdm) {

  /**
   * Checks the ranges.
   *
   * @throws IllegalArgumentException naming the field, its range and what was found
   */
  public TrainingArguments {
    atLeastOne("perDeviceTrainBatchSize", perDeviceTrainBatchSize);
    atLeastOne("perDeviceEvalBatchSize", perDeviceEvalBatchSize);
    check(
        numTrainEpochs > 0 && Double.isFinite(numTrainEpochs),
        "numTrainEpochs",
        "above 0",
        numTrainEpochs);
    check(maxSteps == -1 || maxSteps > 0, "maxSteps", "at least 1, or -1 for not set", maxSteps);
    atLeastZero("learningRate", learningRate);
    steps("warmupSteps", warmupSteps, true);
    check(warmupRatio >= 0 && warmupRatio <= 1, "warmupRatio", "from 0 to 1", warmupRatio);
    if (warmupSteps > 0 && warmupRatio > 0) {
      throw new IllegalArgumentException(
          "warmupSteps %s and warmupRatio %s both say how long the warm-up is; set one of them"
              .formatted(warmupSteps, warmupRatio));
    }
    loraplusLrRatio.ifPresent(
        ratio -> {
          check(
              ratio > 0 && Double.isFinite(ratio), "loraplusLrRatio", "above 0 and finite", ratio);
          check(
              learningRate > 0,
              "learningRate",
              "above 0 where loraplusLrRatio is set",
              learningRate);
        });
    atLeastZero("loraplusLrEmbedding", loraplusLrEmbedding);
    check(adamBeta1 >= 0 && adamBeta1 < 1, "adamBeta1", "at least 0 and below 1", adamBeta1);
    check(adamBeta2 >= 0 && adamBeta2 < 1, "adamBeta2", "at least 0 and below 1", adamBeta2);
    atLeastZero("adamEpsilon", adamEpsilon);
    atLeastZero("weightDecay", weightDecay);
    atLeastOne("gradientAccumulationSteps", gradientAccumulationSteps);
    atLeastZero("maxGradNorm", maxGradNorm);
    check(
        labelSmoothingFactor >= 0 && labelSmoothingFactor <= 1,
        "labelSmoothingFactor",
        "from 0 to 1",
        labelSmoothingFactor);
    steps("loggingSteps", loggingSteps, false);
    evalSteps.ifPresent(value -> steps("evalSteps", value, false));
    steps("saveSteps", saveSteps, false);
    saveTotalLimit.ifPresent(value -> atLeastOne("saveTotalLimit", value));
  }

  /** Starts with transformers' defaults. */
  public static TrainingArgumentsBuilder builder() {
    return new TrainingArgumentsBuilder();
  }

  private static void atLeastOne(String field, int value) {
    check(value >= 1, field, "at least 1", value);
  }

  private static void atLeastZero(String field, double value) {
    check(value >= 0 && Double.isFinite(value), field, "at least 0 and finite", value);
  }

  private static void steps(String field, double value, boolean zeroAllowed) {
    boolean inRange =
        (zeroAllowed ? value >= 0 : value > 0)
            && value <= Integer.MAX_VALUE
            && (value < 1 || value == Math.rint(value));
    String range = "a whole number of updates, or a fraction of the run below 1";
    check(inRange, field, zeroAllowed ? range : range + " and above 0", value);
  }

  private static void check(boolean inRange, String field, String range, Number value) {
    if (!inRange) {
      throw new IllegalArgumentException(
          "%s: expected %s, found %s".formatted(field, range, value));
    }
  }
}
