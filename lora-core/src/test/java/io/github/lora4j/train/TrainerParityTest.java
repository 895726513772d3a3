package io.github.lora4j.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.lora4j.data.Batch;
import io.github.lora4j.data.Dataset;
import io.github.lora4j.data.TokenizedExample;
import io.github.lora4j.io.SafeTensors;
import io.github.lora4j.model.AutoModelForCausalLM;
import io.github.lora4j.model.CausalLM;
import io.github.lora4j.peft.PeftModel;
import io.github.lora4j.tensor.TensorScope;
import io.github.lora4j.testing.Fixtures;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Against twelve steps of PEFT and torch: src/test/python/make_llama_fixtures.py. */
class TrainerParityTest {

  private static final Path LLAMA = Fixtures.path("/llama/llama");
  private static final Path RUN = LLAMA.resolve("train");
  private static final int STEPS = 12;
  private static final int ACCUMULATION = 2;

  @TempDir private Path out;

  @ParameterizedTest(name = "gradient checkpointing: {0}")
  @ValueSource(booleans = {false, true})
  void aRunGivesTheLossesNormsRatesAndAdapterOfPeft(boolean checkpointing) throws IOException {
    List<StepInfo> steps = new ArrayList<>();
    Path saved;
    try (CausalLM base = AutoModelForCausalLM.fromPretrained(LLAMA.resolve("base"));
        PeftModel<CausalLM> peft =
            PeftModel.fromPretrained(base, RUN.resolve("adapter_init"), true)) {
      Trainer.builder(peft, args(checkpointing))
          .trainDataset(examplesInOrder())
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
      saved = out.resolve("checkpoint-" + STEPS);
    }

    JsonNode expected = new ObjectMapper().readTree(RUN.resolve("steps.json").toFile());
    assertThat(steps).hasSize(STEPS).hasSameSizeAs(expected);
    for (StepInfo step : steps) {
      JsonNode reference = expected.get(step.step() - 1);
      assertRelative(step.loss(), reference.get("loss").doubleValue(), 1e-5);
      assertRelative(step.gradNorm(), reference.get("grad_norm").doubleValue(), 1e-4);
      assertThat(step.learningRate())
          .isCloseTo(reference.get("learning_rate").doubleValue(), within(1e-12));
    }
    try (SafeTensors ours = SafeTensors.open(saved.resolve("adapter_model.safetensors"));
        SafeTensors theirs =
            SafeTensors.open(RUN.resolve("adapter_final/adapter_model.safetensors"));
        TensorScope scope = TensorScope.open()) {
      assertThat(ours.names()).isEqualTo(theirs.names());
      for (String name : theirs.names()) {
        assertThat(Fixtures.relativeDifference(ours.tensor(name), theirs.tensor(name)))
            .as(name)
            .isLessThan(1e-4);
      }
    }
  }

  private static void assertRelative(double found, double expected, double tolerance) {
    assertThat(found).isCloseTo(expected, within(tolerance * expected));
  }

  private TrainingArguments args(boolean checkpointing) {
    return TrainingArguments.builder()
        .outputDir(out)
        .maxSteps(STEPS)
        .perDeviceTrainBatchSize(2)
        .gradientAccumulationSteps(ACCUMULATION)
        .trainSamplingStrategy(TrainSamplingStrategy.SEQUENTIAL)
        .learningRate(5e-3)
        .lrSchedulerType(LrSchedulerType.COSINE)
        .warmupSteps(2)
        .weightDecay(0.01)
        .maxGradNorm(0.3)
        .gradientCheckpointing(checkpointing)
        .disableTqdm(true)
        .build();
  }

  /** The rows of the reference's batches, without their padding. */
  static Dataset<TokenizedExample> examplesInOrder() {
    List<TokenizedExample> examples = new ArrayList<>();
    try (SafeTensors file = SafeTensors.open(RUN.resolve("batches.safetensors"))) {
      for (int n = 0; n < STEPS * ACCUMULATION; n++) {
        Batch batch = Fixtures.batch(file, "." + n);
        assertThat(batch.size()).isEqualTo(2);
        for (int row = 0; row < batch.size(); row++) {
          int from = row * batch.length();
          int[] mask = Arrays.copyOfRange(batch.attentionMask(), from, from + batch.length());
          int to = from + Arrays.stream(mask).sum();
          examples.add(
              new TokenizedExample(
                  Arrays.copyOfRange(batch.inputIds(), from, to),
                  Arrays.copyOfRange(batch.labels(), from, to)));
        }
      }
    }
    return Dataset.of(examples);
  }
}
