package io.github.lora4j.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GenerateCommandTest {

  @TempDir static Path shared;
  static Path model;

  @BeforeAll
  static void makeModel() {
    model = TinyModel.create(shared.resolve("model"));
  }

  private static Invocation generate(String prompt, Object... more) {
    List<Object> args = new ArrayList<>(List.of("generate", "--model", model, "--prompt", prompt));
    args.addAll(List.of(more));
    return Invocation.of(args.toArray());
  }

  @Test
  void theStreamedTextIsTheTextOfTheJson() {
    JsonNode result = generate("Answer: a", "--max-new-tokens", 12, "--json").json();
    assertThat(result.get("prompt").textValue()).isEqualTo("Answer: a");
    assertThat(result.get("new_tokens").intValue()).isEqualTo(result.get("token_ids").size());
    assertThat(result.get("text").textValue()).isNotEmpty();
    assertThat(result.get("finish_reason").textValue()).isIn("eos", "length");
    assertThat(generate("Answer: a", "--max-new-tokens", 12).succeeds().out())
        .isEqualTo(result.get("text").textValue() + System.lineSeparator());
  }

  @Test
  void samplingRepeatsWithItsSeedOnly() {
    Object[] settings = {"--temperature", 1.5, "--top-k", 0, "--top-p", 0.99, "--json", "--seed"};
    List<Object> args = new ArrayList<>(List.of(settings));
    args.add(3);
    JsonNode first = generate("a", args.toArray()).json().get("token_ids");
    assertThat(generate("a", args.toArray()).json().get("token_ids")).isEqualTo(first);
    args.set(args.size() - 1, 4);
    assertThat(generate("a", args.toArray()).json().get("token_ids")).isNotEqualTo(first);
  }

  @Test
  void zeroTemperatureIsGreedy() {
    assertThat(generate("a", "--temperature", 0).succeeds().out())
        .isEqualTo(generate("a").succeeds().out());
    assertThat(generate("a", "--temperature", 0, "--top-k", 5).failure()).contains("--top-k");
  }

  @Test
  void theRoomOfTheModelLimitsTheDefaultAndNothingElse() {
    JsonNode result = generate("a cat", "--json").json();
    int tokens = result.get("prompt_tokens").intValue() + result.get("new_tokens").intValue();
    assertThat(tokens).isLessThanOrEqualTo(96);
    assertThat(generate("a cat", "--max-new-tokens", 200).failure()).contains("200", "96");
  }

  @Test
  void stopTextsEndTheText() {
    String text = generate("Answer:", "--json").json().get("text").textValue();
    String stop =
        text.chars()
            .skip(2)
            .filter(c -> c < 128 && Character.isLetter(c))
            .mapToObj(Character::toString)
            .findFirst()
            .orElseThrow();
    JsonNode stopped = generate("Answer:", "--stop", stop, "--json").json();
    assertThat(stopped.get("text").textValue()).isEqualTo(text.substring(0, text.indexOf(stop)));
    assertThat(stopped.get("finish_reason").textValue()).isEqualTo("stop_string");
  }

  @Test
  void promptsKnowEscapesAndFilesDoNot() {
    int two = generate("a\\nb", "--json").json().get("prompt_tokens").intValue();
    assertThat(generate("a\\nb", "--json").json().get("prompt").textValue()).isEqualTo("a\nb");
    JsonNode bare = generate("a\\nb", "--no-special-tokens", "--json").json();
    assertThat(bare.get("prompt_tokens").intValue()).isEqualTo(two - 1);
    Path file = TinyModel.write(shared.resolve("prompt.txt"), "a\\nb\u00e9\n");
    JsonNode fromFile =
        Invocation.of("generate", "--model", model, "--prompt-file", file, "--json").json();
    assertThat(fromFile.get("prompt").textValue()).isEqualTo("a\\nb\u00e9\n");
  }

  @Test
  void aMissingAdapterIsNamed() {
    assertThat(generate("a", "--adapter", shared.resolve("nowhere")).failure()).contains("nowhere");
  }

  @Test
  void storiesTellsItsStory() {
    Path stories = Path.of(System.getProperty("lora4j.shared", "nowhere"), "data", "stories260k");
    assumeTrue(Files.isDirectory(stories), "the pretrained stories260k is not beside the project");
    assertThat(
            Invocation.of(
                    "generate",
                    "--model",
                    stories,
                    "--prompt",
                    "Once upon a time",
                    "--max-new-tokens",
                    40)
                .succeeds()
                .out())
        .startsWith(", there was a little girl named Lily. She loved to play outside in the park.");
  }
}
