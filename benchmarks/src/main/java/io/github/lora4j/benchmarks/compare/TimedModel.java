package io.github.lora4j.benchmarks.compare;

import io.github.lora4j.data.Batch;
import io.github.lora4j.model.PreTrainedModel;
import io.github.lora4j.nn.ForwardContext;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.train.StepInfo;
import io.github.lora4j.train.TrainerCallback;
import io.github.lora4j.train.TrainerControl;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Looks at the clock around what a trainer does with a model: its steps of one batch each. */
final class TimedModel implements PreTrainedModel, TrainerCallback {

  /**
   * The moments of a step, in nanoseconds.
   *
   * @param passStart before the training pass
   * @param passEnd after it
   * @param end after the optimizer
   * @param info what the trainer says of the step
   */
  record Step(long passStart, long passEnd, long end, StepInfo info) {}

  private final PreTrainedModel model;
  private final boolean plain;
  private final List<Step> steps = new ArrayList<>();
  private long passStart;
  private long passEnd;

  /** Borrows a model, whose training passes are {@link ForwardContext#plain} if asked for. */
  TimedModel(PreTrainedModel model, boolean plain) {
    this.model = model;
    this.plain = plain;
  }

  /** The steps so far. */
  List<Step> steps() {
    return steps;
  }

  @Override
  public double lossAndBackward(Batch batch, double scale, ForwardContext context) {
    passStart = System.nanoTime();
    double loss = model.lossAndBackward(batch, scale, context.plain(plain));
    passEnd = System.nanoTime();
    return loss;
  }

  @Override
  public void onStepEnd(StepInfo info, TrainerControl control) {
    steps.add(new Step(passStart, passEnd, System.nanoTime(), info));
  }

  @Override
  public double loss(Batch batch, ForwardContext context) {
    return model.loss(batch, context);
  }

  @Override
  public Map<String, Tensor> trainableParameters() {
    return model.trainableParameters();
  }

  @Override
  public long parameterCount() {
    return model.parameterCount();
  }

  @Override
  public Device device() {
    return model.device();
  }

  @Override
  public List<Integer> eosTokenIds() {
    return model.eosTokenIds();
  }

  @Override
  public void savePretrained(Path dir) {
    model.savePretrained(dir);
  }

  /** Closes nothing: the model is borrowed. */
  @Override
  public void close() {}
}
