package io.github.lora4j.train;

/**
 * The learning rate as a function of the number of completed updates.
 *
 * @param type the shape
 * @param learningRate the peak, reached at the end of the warm-up
 * @param warmupSteps updates of linear warm-up
 * @param totalSteps updates of the whole run
 */
record LearningRateSchedule(
    LrSchedulerType type, double learningRate, int warmupSteps, int totalSteps) {

  /** The schedule that the arguments ask for over a run of this length. */
  static LearningRateSchedule of(TrainingArguments args, StepPlan plan) {
    int warmup =
        args.warmupRatio() > 0
            ? (int) Math.ceil(plan.maxSteps() * args.warmupRatio())
            : plan.resolve(args.warmupSteps());
    return new LearningRateSchedule(
        args.lrSchedulerType(), args.learningRate(), warmup, plan.maxSteps());
  }

  /** The rate of the update that follows {@code completedUpdates} others. */
  double at(int completedUpdates) {
    return learningRate * multiplier(completedUpdates);
  }

  /** The factor on the peak learning rate, from 0 to 1. */
  double multiplier(int completedUpdates) {
    if (type == LrSchedulerType.CONSTANT) {
      return 1.0;
    }
    if (completedUpdates < warmupSteps) {
      return completedUpdates / (double) Math.max(1, warmupSteps);
    }
    double rest = Math.max(1, totalSteps - warmupSteps);
    return switch (type) {
      case CONSTANT, CONSTANT_WITH_WARMUP -> 1.0;
      case LINEAR -> Math.max(0.0, (totalSteps - completedUpdates) / rest);
      case COSINE ->
          Math.max(0.0, 0.5 * (1.0 + Math.cos(Math.PI * (completedUpdates - warmupSteps) / rest)));
    };
  }
}
