package io.github.lora4j.train;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.lora4j.testing.DevelopmentData;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrainerStateFileTest {

  @TempDir private Path folder;

  private static Path transformersFile() {
    return DevelopmentData.require("fixtures/trainer-checkpoint/trainer_state.json");
  }

  private static Map<String, Object> parse(String json) throws Exception {
    return new ObjectMapper().readValue(json, new TypeReference<>() {});
  }

  @Test
  void aFileOfTransformersIsRenderedByteForByte() throws Exception {
    String original = Files.readString(transformersFile());

    assertThat(TrainerStateFile.render(parse(original))).isEqualTo(original);
  }

  @Test
  void theKeysAreTransformers() throws Exception {
    write();

    Map<String, Object> ours = parse(Files.readString(folder.resolve("trainer_state.json")));
    Map<String, Object> theirs = parse(Files.readString(transformersFile()));

    assertThat(new TreeSet<>(ours.keySet())).isEqualTo(new TreeSet<>(theirs.keySet()));
    theirs.forEach(
        (key, value) -> {
          if (value instanceof Number && ours.get(key) != null) {
            assertThat(ours.get(key)).as(key).hasSameClassAs(value);
          }
        });
  }

  @Test
  void theStateIsWrittenAsItIs() throws Exception {
    write();

    String json = Files.readString(folder.resolve("trainer_state.json"));
    Map<String, Object> state = parse(json);

    assertThat(json).startsWith("{\n  \"best_global_step\": null,\n").endsWith("\n}\n");
    assertThat(json).contains("\"learning_rate\": 5e-05");
    assertThat(state)
        .containsEntry("epoch", 1.0)
        .containsEntry("global_step", 5)
        .containsEntry("max_steps", 10)
        .containsEntry("num_train_epochs", 2)
        .containsEntry("logging_steps", 1)
        .containsEntry("eval_steps", 3)
        .containsEntry("save_steps", 500)
        .containsEntry("train_batch_size", 2)
        .containsEntry("num_input_tokens_seen", 77)
        .containsEntry("total_flos", 600.0);
    assertThat(state.get("log_history"))
        .isEqualTo(List.of(Map.of("epoch", 1.0, "learning_rate", 5e-5, "loss", 2.25, "step", 5)));
  }

  private void write() throws Exception {
    TrainingArguments args =
        TrainingArguments.builder()
            .perDeviceTrainBatchSize(2)
            .numTrainEpochs(2)
            .loggingSteps(0.1)
            .evalSteps(3)
            .build();
    LogRow row = new LogRow(5, 1.0, Map.of("loss", 2.25, "learning_rate", 5e-5));
    TrainerStateFile.write(
        folder,
        new TrainerState(5, 10, 1.0, 2, List.of(row)),
        new RunTotals(10, 77, 600),
        args,
        StepPlan.of(10, args));
  }
}
