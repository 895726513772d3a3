package io.github.lora4j.train;

import io.github.lora4j.data.Dataset;
import io.github.lora4j.testing.FlatMemory;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrainerMemoryIT {

  @TempDir private Path out;

  @Test
  void nativeMemoryIsFlatOverAThousandSteps() {
    FlatMemory memory = new FlatMemory(10);
    TrainerCallback measuring =
        new TrainerCallback() {
          @Override
          public void onStepEnd(StepInfo step, TrainerControl control) {
            memory.afterStep(step.step());
          }
        };
    TrainingArguments args =
        TrainingArguments.builder()
            .outputDir(out)
            .maxSteps(1000)
            .perDeviceTrainBatchSize(4)
            .gradientAccumulationSteps(2)
            .saveSteps(300)
            .saveTotalLimit(1)
            .evalStrategy(IntervalStrategy.STEPS)
            .evalSteps(100)
            .disableTqdm(true)
            .build();
    try (ToyModel model = new ToyModel(0.1)) {
      Trainer.builder(model, args)
          .trainDataset(Dataset.of(ToyModel.examples(64)))
          .evalDataset(Dataset.of(ToyModel.examples(8)))
          .callbacks(measuring)
          .build()
          .train();
    }

    memory.assertFlat();
  }
}
