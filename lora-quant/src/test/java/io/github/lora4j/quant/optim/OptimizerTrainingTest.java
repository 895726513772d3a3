package io.github.lora4j.quant.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Percentage.withPercentage;

import io.github.lora4j.data.Dataset;
import io.github.lora4j.data.TokenizedExample;
import io.github.lora4j.model.AutoModelForCausalLM;
import io.github.lora4j.model.CausalLM;
import io.github.lora4j.model.ModelConfig;
import io.github.lora4j.peft.LoraConfig;
import io.github.lora4j.peft.PeftModel;
import io.github.lora4j.peft.TargetModules;
import io.github.lora4j.peft.TaskType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.train.IntervalStrategy;
import io.github.lora4j.train.StepInfo;
import io.github.lora4j.train.Trainer;
import io.github.lora4j.train.TrainerCallback;
import io.github.lora4j.train.TrainerControl;
import io.github.lora4j.train.TrainingArguments;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whole runs of the trainer with optimizers of this module, found through their names. */
class OptimizerTrainingTest {

  // With rank 32 the MLP's matrices have 8,192 numbers: enough for 8-bit states.
  private static final ModelConfig TINY =
      ModelConfig.of(
          """
          {"model_type": "llama", "vocab_size": 40, "hidden_size": 64, "intermediate_size": 256,
           "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
           "max_position_embeddings": 64, "rms_norm_eps": 1e-5, "eos_token_id": 2,
           "tie_word_embeddings": false}
          """,
          "a tiny Llama");

  @TempDir private Path out;

  @ParameterizedTest
  @ValueSource(strings = {"adamw_8bit", "paged_adamw_8bit", "paged_adamw"})
  void adamWLearnsAsTorchsDoes(String optim) {
    double exact = lastLoss("adamw_torch", 3e-3);

    double found = lastLoss(optim, 3e-3);

    assertThat(found).isCloseTo(exact, withPercentage(1));
  }

  @Test
  void lionLearns() {
    assertThat(lastLoss("lion_8bit", 3e-3)).isLessThan(0.9 * Math.log(40));
  }

  private double lastLoss(String optim, double learningRate) {
    List<TokenizedExample> examples =
        IntStream.range(0, 16).mapToObj(OptimizerTrainingTest::example).toList();
    TrainingArguments args =
        TrainingArguments.builder()
            .outputDir(out)
            .optim(optim)
            .learningRate(learningRate)
            .maxSteps(30)
            .saveStrategy(IntervalStrategy.NO)
            .loggingSteps(1)
            .disableTqdm(true)
            .build();
    LoraConfig lora =
        LoraConfig.builder()
            .r(32)
            .targetModules(TargetModules.allLinear())
            .taskType(TaskType.CAUSAL_LM)
            .build();
    double[] last = new double[1];
    try (CausalLM base = AutoModelForCausalLM.fromConfig(TINY, 7, Device.CPU);
        PeftModel<CausalLM> peft = PeftModel.wrap(base, lora)) {
      Trainer.builder(peft, args)
          .trainDataset(Dataset.of(examples))
          .callbacks(
              new TrainerCallback() {
                @Override
                public void onStepEnd(StepInfo step, TrainerControl control) {
                  last[0] = step.loss();
                }
              })
          .build()
          .train();
    }
    return last[0];
  }

  private static TokenizedExample example(int number) {
    int[] ids = IntStream.range(0, 9).map(i -> 3 + (number + 3 * i) % 37).toArray();
    ids[8] = 2;
    return new TokenizedExample(ids, ids.clone());
  }
}
