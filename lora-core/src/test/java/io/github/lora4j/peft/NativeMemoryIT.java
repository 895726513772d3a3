package io.github.lora4j.peft;

import io.github.lora4j.data.Dataset;
import io.github.lora4j.data.TokenizedExample;
import io.github.lora4j.generate.GenerationConfig;
import io.github.lora4j.generate.TokenGenerator;
import io.github.lora4j.model.AutoModelForCausalLM;
import io.github.lora4j.model.CausalLM;
import io.github.lora4j.testing.Fixtures;
import io.github.lora4j.testing.FlatMemory;
import io.github.lora4j.train.IntervalStrategy;
import io.github.lora4j.train.StepInfo;
import io.github.lora4j.train.Trainer;
import io.github.lora4j.train.TrainerCallback;
import io.github.lora4j.train.TrainerControl;
import io.github.lora4j.train.TrainingArguments;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NativeMemoryIT {

  private static final Path BASE = Fixtures.path("/llama/llama/base");

  private final FlatMemory memory = new FlatMemory(10);

  private static Dataset<TokenizedExample> examples() {
    SplittableRandom random = new SplittableRandom(1);
    List<TokenizedExample> examples = new ArrayList<>();
    for (int i = 0; i < 50; i++) {
      int[] ids = random.ints(random.nextInt(10, 60), 3, 64).toArray();
      examples.add(new TokenizedExample(ids, ids.clone()));
    }
    return Dataset.of(examples);
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aThousandTrainingStepsTakeNoMoreNativeMemory(boolean checkpointing, @TempDir Path out) {
    LoraConfig lora = LoraConfig.builder().r(8).dropout(0.1).targetModules("all-linear").build();
    TrainingArguments args =
        TrainingArguments.builder()
            .outputDir(out)
            .maxSteps(1000)
            .perDeviceTrainBatchSize(4)
            .gradientCheckpointing(checkpointing)
            .saveStrategy(IntervalStrategy.NO)
            .disableTqdm(true)
            .build();
    try (CausalLM base = AutoModelForCausalLM.fromPretrained(BASE);
        PeftModel<CausalLM> peft = PeftModel.wrap(base, lora)) {
      Trainer.builder(peft, args)
          .trainDataset(examples())
          .eosTokenIds()
          .callbacks(
              new TrainerCallback() {
                @Override
                public void onStepEnd(StepInfo step, TrainerControl control) {
                  memory.afterStep(step.step());
                }
              })
          .build()
          .train();
    }
    memory.assertFlat();
  }

  @Test
  void aThousandGenerationsTakeNoMoreNativeMemory() {
    GenerationConfig config = GenerationConfig.builder().maxNewTokens(8).build();
    SplittableRandom random = new SplittableRandom(1);
    try (CausalLM base = AutoModelForCausalLM.fromPretrained(BASE);
        PeftModel<CausalLM> peft =
            PeftModel.wrap(base, LoraConfig.builder().targetModules("all-linear").build())) {
      for (int i = 1; i <= 1000; i++) {
        int[][] prompts = {
          random.ints(random.nextInt(1, 40), 3, 64).toArray(), random.ints(5, 3, 64).toArray()
        };
        TokenGenerator.generate(peft.model(), prompts, config);
        memory.afterStep(i);
      }
    }
    memory.assertFlat();
  }
}
