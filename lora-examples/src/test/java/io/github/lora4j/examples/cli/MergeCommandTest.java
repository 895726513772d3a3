package io.github.lora4j.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MergeCommandTest {

  private static final Path LLAMA = LogitsFiles.referenceCases();

  @TempDir Path work;

  @ParameterizedTest
  @ValueSource(strings = {"plain", "all-linear"})
  void theMergedFolderGivesTheReferencesLogits(String kind) {
    Path folder = LLAMA.resolve("adapters").resolve(kind);
    Path reference = folder.resolve("expected.safetensors");
    Path merged = work.resolve("merged");
    JsonNode result =
        Invocation.of(
                "merge",
                "--model",
                LLAMA.resolve("base"),
                "--adapter",
                folder.resolve("adapter"),
                "--output",
                merged,
                "--json")
            .json();
    assertThat(result.get("merged_modules").intValue()).isEqualTo(kind.equals("plain") ? 4 : 14);
    assertThat(result.get("dtype").textValue()).isEqualTo("float32");
    Path output = work.resolve("out.safetensors");
    Invocation.of("logits", "--model", merged, "--input", reference, "--output", output).succeeds();
    assertThat(
            LogitsFiles.relativeDifference(
                LogitsFiles.floats(output, "logits"),
                LogitsFiles.floats(reference, "logits.merged")))
        .isLessThan(1e-4);
  }

  @Test
  void theMergedFolderIsCompleteAndTheBaseUnchanged() throws IOException {
    Path model = TinyModel.create(work.resolve("model"));
    byte[] before = Files.readAllBytes(model.resolve("model.safetensors"));
    Path adapter = work.resolve("adapter");
    Invocation.of(
            "train",
            "--model",
            model,
            "--data",
            TinyModel.csv(work),
            "--template",
            TinyModel.TEMPLATE,
            "--completion",
            "answer",
            "--output",
            adapter,
            "--max-steps",
            2)
        .succeeds();
    Path merged = work.resolve("merged");
    assertThat(
            Invocation.of("merge", "--model", model, "--adapter", adapter, "--output", merged)
                .succeeds()
                .out())
        .contains(merged.toString());
    for (String file : new String[] {"tokenizer.json", "tokenizer_config.json"}) {
      assertThat(merged.resolve(file)).hasSameBinaryContentAs(model.resolve(file));
    }
    Invocation.of("generate", "--model", merged, "--prompt", "Answer: ").succeeds();
    assertThat(model.resolve("model.safetensors")).hasBinaryContent(before);

    assertThat(
            Invocation.of("merge", "--model", model, "--adapter", adapter, "--output", model)
                .failure())
        .contains("--output", "overwritten");
    assertThat(
            Invocation.of("merge", "--model", model, "--adapter", adapter, "--output", adapter)
                .failure())
        .contains("--output", "overwritten");
  }

  @Test
  void anAdapterOfAnotherModelIsRefused() {
    Path model = TinyModel.create(work.resolve("model"));
    Path adapter = LLAMA.resolve("adapters/plain/adapter");
    assertThat(
            Invocation.of(
                    "merge",
                    "--model",
                    model,
                    "--adapter",
                    adapter,
                    "--output",
                    work.resolve("merged"))
                .failure())
        .contains("lora_");
  }
}
