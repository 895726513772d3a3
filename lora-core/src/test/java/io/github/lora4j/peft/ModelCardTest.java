package io.github.lora4j.peft;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ModelCardTest {

  @TempDir Path folder;

  @Test
  void hasPeftsHeader() {
    LoraConfig config =
        LoraConfig.builder()
            .taskType(TaskType.CAUSAL_LM)
            .baseModelNameOrPath("meta-llama/Llama-3.2-1B")
            .build();
    assertThat(ModelCard.text(config))
        .startsWith(
            """
            ---
            base_model: meta-llama/Llama-3.2-1B
            library_name: peft
            pipeline_tag: text-generation
            tags:
            - base_model:adapter:meta-llama/Llama-3.2-1B
            - lora
            - transformers
            ---
            """);
  }

  @Test
  void hasNoTaskAndNoBaseWhereTheyAreUnknown() {
    assertThat(ModelCard.text(LoraConfig.builder().build()))
        .startsWith(
            """
            ---
            base_model: ''
            library_name: peft
            tags:
            - 'base_model:adapter:'
            - lora
            - transformers
            ---
            """);
  }

  @Test
  void quotesNamesThatYamlWouldMisread() {
    assertThat(header("it's: a #1")).contains("base_model: 'it''s: a #1'\n");
    assertThat(header("C:\\models\\x")).contains("base_model: 'C:\\models\\x'\n");
    assertThat(header("a\ntags: [evil]")).contains("base_model: \"a\\ntags: [evil]\"\n");
    assertThat(header("null")).contains("base_model: 'null'\n");
    assertThat(header("1e5")).contains("base_model: '1e5'\n");
  }

  @Test
  void leavesACardThatIsThereAlone() throws IOException {
    ModelCard.write(folder, LoraConfig.builder().build());
    Path card = folder.resolve("README.md");
    assertThat(card).content().contains("library_name: peft");
    Files.writeString(card, "mine");
    ModelCard.write(folder, LoraConfig.builder().build());
    assertThat(card).hasContent("mine");
  }

  private static String header(String base) {
    return ModelCard.text(LoraConfig.builder().baseModelNameOrPath(base).build());
  }
}
