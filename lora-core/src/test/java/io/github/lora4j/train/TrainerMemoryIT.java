package io.github.lora4j.train;

import io.github.lora4j.data.Dataset;
import io.github.lora4j.tensor.NativeMemory;
import io.github.lora4j.testing.FlatMemory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrainerMemoryIT {

  @TempDir private Path out;

  @Test
  void nativeMemoryIsFlatOverAThousandSteps() {
    List<Long> handles = new ArrayList<>();
    List<Long> resident = new ArrayList<>();
    TrainerCallback measuring =
        new TrainerCallback() {
          @Override
          public void onStepEnd(StepInfo step, TrainerControl control) {
            if (step.step() % 100 == 0) {
              System.gc();
              handles.add(NativeMemory.liveHandles());
              resident.add(NativeMemory.residentBytes());
            }
          }
        };
    TrainingArguments args =
        TrainingArguments.builder()
            .outputDir(out)
            .maxSteps(1200)
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

    FlatMemory.assertFlat(handles, resident);
  }
}
