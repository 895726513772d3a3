package io.github.lora4j.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.lora4j.model.AutoModelForCausalLM;
import io.github.lora4j.model.CausalLM;
import io.github.lora4j.peft.PeftModel;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import io.github.lora4j.testing.Fixtures;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Optimizers by name, and LoRA+ and SGD against src/test/python/make_optimizer_run_fixtures.py. */
class OptimizerChoiceTest {

  private static final Path LLAMA = Fixtures.path("/llama/llama");

  @TempDir private Path out;

  @Test
  void loraPlusTrainsAsPeftDoes() throws IOException {
    TrainingArgumentsBuilder args = args().learningRate(1e-3).loraplusLrRatio(16);

    assertLossesAre("loraplus", args.build());
  }

  @Test
  void sgdTrainsAsTorchDoes() throws IOException {
    assertLossesAre("sgd", args().learningRate(0.5).optim("sgd").build());
  }

  @Test
  void fusedIsTheSameAdamW() {
    TrainingArguments plain = args().learningRate(1e-2).build();
    TrainingArguments fused = args().learningRate(1e-2).optim("adamw_torch_fused").build();

    assertThat(losses(fused)).isEqualTo(losses(plain));
  }

  @Test
  void loraPlusSortsParametersAsPeftDoes() {
    TrainingArguments args =
        TrainingArguments.builder()
            .learningRate(1e-4)
            .loraplusLrRatio(16)
            .loraplusLrEmbedding(1e-5)
            .build();
    try (TensorScope scope = TensorScope.open()) {
      Tensor matrix = Tensor.zeros(DType.F32, Device.CPU, 2, 2);
      Tensor vector = Tensor.zeros(DType.F32, Device.CPU, 2);
      assertThat(LoraPlus.scale("q_proj.lora_A.weight", matrix, args)).isEqualTo(1);
      assertThat(LoraPlus.scale("q_proj.lora_B.weight", matrix, args)).isEqualTo(16);
      assertThat(LoraPlus.scale("q_proj.lora_magnitude_vector", vector, args)).isEqualTo(16);
      assertThat(LoraPlus.scale("embed_tokens.lora_embedding_B", matrix, args))
          .isCloseTo(0.1, within(1e-12));
      assertThat(LoraPlus.scale("lm_head.modules_to_save.weight", matrix, args)).isEqualTo(1);
      TrainingArguments without = TrainingArguments.builder().build();
      assertThat(LoraPlus.scale("q_proj.lora_B.weight", matrix, without)).isEqualTo(1);
    }
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource({
    "adamw_torch, ADAMW_TORCH",
    "ADAMW_TORCH_FUSED, ADAMW_TORCH_FUSED",
    "sgd, SGD",
    "adamw_bnb_8bit, ADAMW_BNB_8BIT",
    "adamw_8bit, ADAMW_BNB_8BIT",
    "paged_adamw, PAGED_ADAMW_32BIT",
    "paged_adamw_8bit, PAGED_ADAMW_8BIT",
    "lion, LION_32BIT",
    "paged_lion, PAGED_LION_32BIT"
  })
  void transformersNamesAndShorterOnesAreKnown(String name, OptimizerName expected) {
    assertThat(TrainingArguments.builder().optim(name).build().optim()).isEqualTo(expected);
  }

  @Test
  void anUnknownNameIsRefusedWithTheKnownOnes() {
    TrainingArgumentsBuilder builder = TrainingArguments.builder();

    assertThatThrownBy(() -> builder.optim("adafactor"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("optim \"adafactor\" is not built yet")
        .hasMessageContaining("paged_adamw_8bit");
  }

  @Test
  void withoutLoraQuantTheErrorNamesTheDependency() {
    TrainingArguments args = args().optim("adamw_bnb_8bit").build();

    assertThatThrownBy(() -> Optimizers.of(Map.of(), args))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("\"adamw_bnb_8bit\"")
        .hasMessageContaining("add the Maven dependency io.github.lora4j:lora-quant");
  }

  private TrainingArgumentsBuilder args() {
    return TrainingArguments.builder()
        .outputDir(out)
        .maxSteps(12)
        .perDeviceTrainBatchSize(2)
        .gradientAccumulationSteps(2)
        .trainSamplingStrategy(TrainSamplingStrategy.SEQUENTIAL)
        .lrSchedulerType(LrSchedulerType.COSINE)
        .warmupSteps(2)
        .weightDecay(0.01)
        .maxGradNorm(0.3)
        .saveStrategy(IntervalStrategy.NO)
        .disableTqdm(true);
  }

  private void assertLossesAre(String run, TrainingArguments args) throws IOException {
    Path file = LLAMA.resolve("train/optimizers.json");
    JsonNode expected = new ObjectMapper().readTree(file.toFile()).get(run);
    List<StepInfo> steps = train(args);
    assertThat(steps).hasSameSizeAs(expected);
    for (int i = 0; i < steps.size(); i++) {
      double loss = expected.get(i).get("loss").doubleValue();
      double norm = expected.get(i).get("grad_norm").doubleValue();
      assertThat(steps.get(i).loss()).isCloseTo(loss, within(1e-5 * loss));
      assertThat(steps.get(i).gradNorm()).isCloseTo(norm, within(1e-4 * norm));
    }
  }

  private List<Double> losses(TrainingArguments args) {
    return train(args).stream().map(StepInfo::loss).toList();
  }

  private List<StepInfo> train(TrainingArguments args) {
    List<StepInfo> steps = new ArrayList<>();
    try (CausalLM base = AutoModelForCausalLM.fromPretrained(LLAMA.resolve("base"));
        PeftModel<CausalLM> peft =
            PeftModel.fromPretrained(base, LLAMA.resolve("train/adapter_init"), true)) {
      Trainer.builder(peft, args)
          .trainDataset(TrainerParityTest.examplesInOrder())
          .eosTokenIds()
          .callbacks(
              new TrainerCallback() {
                @Override
                public void onStepEnd(StepInfo step, TrainerControl control) {
                  steps.add(step);
                }
              })
          .build()
          .train();
    }
    return steps;
  }
}
