package io.github.lora4j.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.jar.JarFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The jar that {@code mvn package} makes, in a process of its own. */
class RunnableJarIT {

  private static final Path JAR = Path.of("target", "lora-examples.jar").toAbsolutePath();
  private static final Path LLAMA = LogitsFiles.referenceCases();

  @TempDir Path work;

  private final Map<String, String> variables = new HashMap<>();

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
      ProcessBuilder builder =
          new ProcessBuilder(command)
              .directory(work.toFile())
              .redirectOutput(out.toFile())
              .redirectError(err.toFile());
      builder.environment().putAll(variables);
      Process process = builder.start();
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
  void modelsAndAdaptersMayBeNamedAsOnTheHub() throws IOException {
    variables.put("HF_HUB_CACHE", work.resolve("hub").toString());
    variables.put("HF_HUB_OFFLINE", "1");
    String commit = "0123456789abcdef0123456789abcdef01234567";
    Path model = work.resolve("hub/models--org--tiny/snapshots/" + commit);
    Path adapter = work.resolve("hub/models--org--adapter/snapshots/" + commit);
    for (Path snapshot : List.of(model, adapter)) {
      Path refs = Files.createDirectories(snapshot.resolveSibling("../refs").normalize());
      Files.writeString(refs.resolve("main"), commit);
      Files.writeString(refs.resolve("v1"), commit);
    }
    TinyModel.create(model);
    String train = "train --model org/tiny --completion answer --max-steps 2 --revision v1 --data";
    List<Object> command = new ArrayList<>(List.of(train.split(" ")));
    command.addAll(List.of(TinyModel.csv(work), "--template", TinyModel.TEMPLATE));
    command.addAll(List.of("--output", adapter));
    assertThat(run(command.toArray()).exitCode()).isZero();
    assertThat(adapter.resolve("adapter_config.json"))
        .content()
        .containsPattern("\"base_model_name_or_path\": *\"org/tiny\"");
    String generate = "generate --model org/tiny --adapter org/adapter --prompt Answer:";
    assertThat(run((Object[]) generate.split(" ")).exitCode()).isZero();
    String merge = "merge --model org/tiny --adapter org/adapter --output merged";
    assertThat(run((Object[]) merge.split(" ")).exitCode()).isZero();
    String missing = "generate --model org/tiny --revision v2 --prompt Answer:";
    assertThat(run((Object[]) missing.split(" ")).failure()).contains("org/tiny");
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
