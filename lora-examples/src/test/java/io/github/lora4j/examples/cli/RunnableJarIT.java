package io.github.lora4j.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.jar.JarFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The jar that {@code mvn package} makes, in a process of its own. */
class RunnableJarIT {

  private static final Path JAR = Path.of("target", "lora-examples.jar").toAbsolutePath();
  private static final Path LLAMA = LogitsFiles.referenceCases();

  @TempDir Path work;

  private Invocation run(Object... args) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-jar", JAR.toString()));
    for (Object arg : args) {
      command.add(arg.toString());
    }
    Path out = work.resolve("out.txt");
    Path err = work.resolve("err.txt");
    try {
      Process process =
          new ProcessBuilder(command)
              .directory(work.toFile())
              .redirectOutput(out.toFile())
              .redirectError(err.toFile())
              .start();
      if (!process.waitFor(3, TimeUnit.MINUTES)) {
        process.destroyForcibly();
        throw new AssertionError("did not end: " + command);
      }
      return new Invocation(
          process.exitValue(),
          Files.readString(out, StandardCharsets.UTF_8),
          Files.readString(err));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  @Test
  void helpAndVersionNeedNothing() throws IOException {
    assertThat(run("--help").succeeds().out()).contains("train", "merge", "logits");
    try (JarFile jar = new JarFile(JAR.toFile())) {
      String version = jar.getManifest().getMainAttributes().getValue("Implementation-Version");
      assertThat(run("--version").succeeds().out()).contains(version);
    }
  }

  @Test
  void logitsAreTheReferencesAndNothingElseIsPrinted() {
    Path folder = LLAMA.resolve("adapters/all-linear");
    Path reference = folder.resolve("expected.safetensors");
    Path output = work.resolve("out.safetensors");
    Invocation result =
        run(
            "logits",
            "--model",
            LLAMA.resolve("base"),
            "--adapter",
            folder.resolve("adapter"),
            "--input",
            reference,
            "--output",
            output,
            "--json");
    assertThat(result.exitCode()).as(result.err()).isZero();
    assertThat(result.out().strip()).startsWith("{").endsWith("}").hasLineCount(1);
    assertThat(result.err()).doesNotContainIgnoringCase("warning");
    assertThat(
            LogitsFiles.relativeDifference(
                LogitsFiles.floats(output, "logits"), LogitsFiles.floats(reference, "logits")))
        .isLessThan(1e-4);
  }

  @Test
  void textIsUtf8AndTheTokenizerIsInTheJar() {
    Path model = TinyModel.create(work.resolve("model"));
    Path prompt = TinyModel.write(work.resolve("prompt.txt"), "caf\u00e9 \ud83d\ude42");
    Invocation result = run("generate", "--model", model, "--prompt-file", prompt, "--json");
    assertThat(result.exitCode()).as(result.err()).isZero();
    assertThat(result.out()).contains("\"prompt\":\"caf\u00e9 \ud83d\ude42\"");
  }

  @Test
  void failuresHaveTheirExitStatus() {
    Path missing = work.resolve("missing");
    assertThat(run("generate", "--model", missing, "--prompt", "x").failure())
        .contains("missing")
        .hasLineCount(1);
    assertThat(run("generate", "--modle", missing).exitCode()).isEqualTo(2);
    assertThat(run().exitCode()).isEqualTo(2);
  }
}
