package io.github.lora4j.train;

import java.nio.file.Path;

/**
 * Gets told what a {@link Trainer} does; override what you need.
 *
 * <p>All methods are called on the training thread, in this order for each update: {@link
 * #onStepEnd}, {@link #onLog}, {@link #onEvaluate}, {@link #onSave}, the last three only where they
 * are due. An exception ends training and reaches the caller of {@link Trainer#train()}.
 */
public interface TrainerCallback {

  /** Called once, before the first update. */
  default void onTrainBegin(TrainerState state, TrainerControl control) {}

  /** Called after each update of the parameters. */
  default void onStepEnd(StepInfo step, TrainerControl control) {}

  /** Called for each log line, those of evaluations and of the end of the run too. */
  default void onLog(LogRow row, TrainerControl control) {}

  /** Called after each evaluation during training. */
  default void onEvaluate(TrainerState state, EvaluationResult result, TrainerControl control) {}

  /** Called when a checkpoint stands complete in its folder. */
  default void onSave(TrainerState state, Path checkpoint, TrainerControl control) {}

  /** Called once, after the last update; not when training ends with an exception. */
  default void onTrainEnd(TrainerState state) {}
}
