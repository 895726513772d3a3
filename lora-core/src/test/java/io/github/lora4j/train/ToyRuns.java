package io.github.lora4j.train;

import io.github.lora4j.data.Dataset;
import io.github.lora4j.data.TokenizedExample;
import java.nio.file.Path;
import java.util.List;

/** What the tests of the trainer share: data, arguments and short runs of a {@link ToyModel}. */
final class ToyRuns {

  private ToyRuns() {}

  static final Dataset<TokenizedExample> DATA = Dataset.of(ToyModel.examples(24));

  static TrainingArgumentsBuilder args(Path out) {
    return TrainingArguments.builder()
        .outputDir(out)
        .disableTqdm(true)
        .saveStrategy(IntervalStrategy.NO)
        .learningRate(0.02)
        .perDeviceTrainBatchSize(4)
        .loggingSteps(1);
  }

  static List<Double> losses(TrainingResult result) {
    return result.logHistory().stream().flatMap(row -> row.value("loss").stream().boxed()).toList();
  }

  static TrainerCallback stepsInto(List<StepInfo> steps) {
    return new TrainerCallback() {
      @Override
      public void onStepEnd(StepInfo step, TrainerControl control) {
        steps.add(step);
      }
    };
  }

  static TrainingResult train(ToyModel model, TrainingArgumentsBuilder args) {
    return Trainer.builder(model, args.numTrainEpochs(1).build())
        .trainDataset(DATA)
        .build()
        .train();
  }
}
