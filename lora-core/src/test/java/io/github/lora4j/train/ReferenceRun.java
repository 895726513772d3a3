package io.github.lora4j.train;

import io.github.lora4j.model.PreTrainedModel;
import io.github.lora4j.testing.FamilyCase;
import io.github.lora4j.testing.TunerCase;
import java.util.ArrayList;
import java.util.List;

/** The run of a {@link TunerCase}, as users train. */
public final class ReferenceRun {

  private ReferenceRun() {}

  /**
   * Trains a model.
   *
   * @return the largest relative difference of a loss or a gradient's norm from the reference's
   */
  public static double largestDifference(
      TunerCase reference, PreTrainedModel model, boolean gradientCheckpointing) {
    List<StepInfo> steps = new ArrayList<>();
    TrainingArguments args =
        TrainingArguments.builder()
            .maxSteps(FamilyCase.STEPS)
            .perDeviceTrainBatchSize(2)
            .gradientAccumulationSteps(FamilyCase.ACCUMULATION)
            .trainSamplingStrategy(TrainSamplingStrategy.SEQUENTIAL)
            .learningRate(5e-3)
            .lrSchedulerType(LrSchedulerType.COSINE)
            .warmupSteps(2)
            .weightDecay(0.01)
            .maxGradNorm(0.3)
            .gradientCheckpointing(gradientCheckpointing)
            .loggingStrategy(IntervalStrategy.NO)
            .saveStrategy(IntervalStrategy.NO)
            .disableTqdm(true)
            .build();
    Trainer.builder(model, args)
        .trainDataset(reference.examples())
        .eosTokenIds() // The tokens are random: none of them ends a text.
        .callbacks(
            new TrainerCallback() {
              @Override
              public void onStepEnd(StepInfo step, TrainerControl control) {
                steps.add(step);
              }
            })
        .build()
        .train();
    double[] losses = steps.stream().mapToDouble(StepInfo::loss).toArray();
    double[] norms = steps.stream().mapToDouble(StepInfo::gradNorm).toArray();
    return Math.max(
        difference(losses, reference.steps("loss")),
        difference(norms, reference.steps("grad_norm")));
  }

  private static double difference(double[] found, double[] expected) {
    if (found.length != expected.length) {
      throw new AssertionError("expected " + expected.length + " steps, found " + found.length);
    }
    double largest = 0;
    for (int i = 0; i < expected.length; i++) {
      double difference = Math.abs(found[i] - expected[i]) / expected[i];
      largest = Double.isNaN(difference) ? difference : Math.max(largest, difference);
    }
    return largest;
  }
}
