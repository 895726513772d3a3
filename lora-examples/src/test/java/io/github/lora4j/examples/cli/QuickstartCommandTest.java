package io.github.lora4j.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.lora4j.peft.LoraConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The quickstart on a model and data of one's own. */
class QuickstartCommandTest {

  @TempDir Path work;

  private Path model;
  private Path rows;

  @BeforeEach
  void makeModel() {
    model = TinyModel.create(work.resolve("model"));
    rows = TinyModel.csv(work);
  }

  private Invocation quickstart(Path output, Object... more) {
    List<Object> args = new ArrayList<>(List.of("quickstart", "--model", model, "--data", rows));
    args.addAll(List.of("--template", TinyModel.TEMPLATE, "--completion", "answer"));
    args.addAll(List.of("--output", output, "--max-steps", 1));
    args.addAll(List.of(more));
    return Invocation.of(args.toArray());
  }

  @Test
  void aTenthIsHeldOutAndTheAdapterIsSaved() {
    JsonNode result = quickstart(work.resolve("a"), "--r", 2, "--json").json();
    assertThat(result.get("rows").intValue()).isEqualTo(1);
    assertThat(result.get("same_after_reload").booleanValue()).isTrue();
    assertThat(LoraConfig.load(Path.of(result.get("adapter").textValue())).r()).isEqualTo(2);
    assertThat(Path.of(result.get("chart").textValue())).isNotEmptyFile();
  }

  @Test
  void rowsLongerThanTheModelsRoomAreCutForTrainingAndForAsking() {
    StringBuilder text = new StringBuilder("question,answer\n");
    for (int i = 0; i < 10; i++) {
      text.append("is it a cat? ".repeat(40)).append(i).append(",yes\n");
    }
    rows = TinyModel.write(work.resolve("long.csv"), text.toString());
    assertThat(quickstart(work.resolve("a"), "--json").json().get("rows").intValue()).isEqualTo(1);
  }

  @Test
  void theModelsFolderStaysAsItIs() throws IOException {
    assertThat(quickstart(model).failure()).contains("--output", "input");
    assertThat(Files.exists(model.resolve("adapter"))).isFalse();
  }

  @Test
  void trainingInFloat16IsRefused() {
    Invocation result = quickstart(work.resolve("a"), "--dtype", "f16");
    assertThat(result.exitCode()).isEqualTo(1);
    assertThat(result.err()).contains("float16", "bf16");
  }

  @Test
  void aModelNeedsDataToo() {
    Invocation result = Invocation.of("quickstart", "--model", model);
    assertThat(result.exitCode()).isEqualTo(2);
    assertThat(result.err()).startsWith("error: Missing").contains("--data=FILE");
  }
}
