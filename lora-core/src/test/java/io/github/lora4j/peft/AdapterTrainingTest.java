package io.github.lora4j.peft;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.lora4j.data.Batch;
import io.github.lora4j.data.Dataset;
import io.github.lora4j.data.TokenizedExample;
import io.github.lora4j.io.SafeTensors;
import io.github.lora4j.model.CausalLM;
import io.github.lora4j.tensor.TensorScope;
import io.github.lora4j.testing.Fixtures;
import io.github.lora4j.train.IntervalStrategy;
import io.github.lora4j.train.LrSchedulerType;
import io.github.lora4j.train.StepInfo;
import io.github.lora4j.train.TrainSamplingStrategy;
import io.github.lora4j.train.Trainer;
import io.github.lora4j.train.TrainerCallback;
import io.github.lora4j.train.TrainerControl;
import io.github.lora4j.train.TrainingArguments;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Twelve steps as PEFT makes them: src/test/python/make_adapter_fixtures.py. */
class AdapterTrainingTest {

  private static final double TOLERANCE = 1e-4;

  @TempDir Path dir;

  @ParameterizedTest
  @ValueSource(
      strings = {
        "dora",
        "dora-embed",
        "bias-all",
        "bias-all-norms",
        "lora-bias",
        "embed",
        "tokens-tied",
        "tokens-by-name",
        "saved",
        "saved-tied-ensured",
        "replicated",
        "container",
        "container-block",
        "pissa"
      })
  void aRunGivesTheLossesNormsAndAdapterOfPeft(String kind) throws IOException {
    Path folder = Fixtures.path("/peft/adapters").resolve(kind);
    JsonNode expected = PeftAnswers.JSON.readTree(Files.readString(folder.resolve("steps.json")));
    List<StepInfo> steps = new ArrayList<>();
    try (CausalLM base = AdapterKindsTest.base(folder);
        PeftModel<CausalLM> peft =
            PeftModel.fromPretrained(base, folder.resolve("adapter"), true)) {
      Trainer.builder(peft, args(expected.size()))
          .trainDataset(rows(expected.size()))
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
      peft.savePretrained(dir);
    }
    assertThat(steps).hasSize(expected.size());
    for (int i = 0; i < steps.size(); i++) {
      assertClose("loss", i, steps.get(i).loss(), expected.get(i).get("loss").doubleValue());
      assertClose(
          "norm", i, steps.get(i).gradNorm(), expected.get(i).get("grad_norm").doubleValue());
    }
    try (SafeTensors ours = SafeTensors.open(dir.resolve("adapter_model.safetensors"));
        SafeTensors theirs = SafeTensors.open(folder.resolve("final.safetensors"));
        TensorScope scope = TensorScope.open()) {
      assertThat(ours.names()).containsAll(theirs.names());
      for (String name : theirs.names()) {
        // Attention doesn't see a bias of all keys without rotation: its gradient is zero but for
        // rounding, which AdamW makes steps of.
        if (!name.matches(".*c_attn(.base_layer)?.bias")) {
          assertThat(Fixtures.relativeDifference(ours.tensor(name), theirs.tensor(name)))
              .as(name)
              .isLessThan(1e-3);
        }
      }
    }
  }

  private static void assertClose(String what, int step, double actual, double expected) {
    assertThat(Math.abs(actual - expected) / expected)
        .as("%s of step %d: %s, expected %s", what, step, actual, expected)
        .isLessThan(TOLERANCE);
  }

  private static TrainingArguments args(int steps) {
    return TrainingArguments.builder()
        .maxSteps(steps)
        .perDeviceTrainBatchSize(2)
        .trainSamplingStrategy(TrainSamplingStrategy.SEQUENTIAL)
        .learningRate(5e-3)
        .lrSchedulerType(LrSchedulerType.CONSTANT)
        .weightDecay(0)
        .maxGradNorm(1)
        .loggingStrategy(IntervalStrategy.NO)
        .saveStrategy(IntervalStrategy.NO)
        .disableTqdm(true)
        .build();
  }

  /** Each step's rows are those of the batch, turned by as many columns as steps went before. */
  private static Dataset<TokenizedExample> rows(int steps) {
    Batch batch = AdapterKindsTest.batch();
    int length = batch.length();
    List<TokenizedExample> rows = new ArrayList<>();
    for (int step = 0; step < steps; step++) {
      int turn = step % 3 == 0 ? 0 : step % length;
      for (int row = 0; row < batch.size(); row++) {
        int from = row * length;
        rows.add(
            new TokenizedExample(
                turned(Arrays.copyOfRange(batch.inputIds(), from, from + length), turn),
                turned(Arrays.copyOfRange(batch.labels(), from, from + length), turn)));
      }
    }
    return Dataset.of(rows);
  }

  private static int[] turned(int[] values, int by) {
    int[] turned = new int[values.length];
    for (int i = 0; i < values.length; i++) {
      turned[(i + by) % values.length] = values[i];
    }
    return turned;
  }
}
