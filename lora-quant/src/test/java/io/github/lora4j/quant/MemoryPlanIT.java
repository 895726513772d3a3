package io.github.lora4j.quant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.lora4j.model.AutoModelForCausalLM;
import io.github.lora4j.model.CausalLM;
import io.github.lora4j.model.ModelConfig;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** The plan of a run against a JVM that does nothing else. */
@EnabledOnOs(OS.LINUX)
class MemoryPlanIT {

  private static final ModelConfig MODEL =
      ModelConfig.of(
          """
          {"model_type": "llama", "vocab_size": 8000, "hidden_size": 384, "intermediate_size": 1024,
           "num_hidden_layers": 6, "num_attention_heads": 6, "num_key_value_heads": 2,
           "max_position_embeddings": 512, "rms_norm_eps": 1e-5, "tie_word_embeddings": true}
          """,
          "a random Llama");

  @TempDir private Path folder;

  @Test
  void aRunTakesWhatWasReckoned() throws IOException, InterruptedException {
    Path model = folder.resolve("model");
    try (CausalLM random = AutoModelForCausalLM.fromConfig(MODEL, 1, Device.CPU)) {
      random.savePretrained(model);
    }
    MemoryPlan plan =
        MemoryPlan.of(model)
            .dtype(DType.F32)
            .lora(MemoryRun.lora("all", 16))
            .batchSize(4)
            .sequenceLength(256)
            .estimate();

    long measured = measure(model);

    // What doesn't depend on the model (the JVM, libtorch, the heap) is 60% of the whole here and
    // differs between machines: of runs of 100M parameters and more, 10% are asked in the docs.
    assertThat((double) plan.peak()).isCloseTo(measured, within(0.25 * measured));
  }

  private long measure(Path model) throws IOException, InterruptedException {
    Path result = folder.resolve("peak");
    Path log = folder.resolve("log");
    List<String> command =
        List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-cp",
            System.getProperty("java.class.path"),
            MemoryRun.class.getName(),
            model.toString(),
            "F32",
            "all",
            "16",
            "4",
            "256",
            "false",
            result.toString());
    Process process =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile()).start();
    boolean ended = process.waitFor(5, TimeUnit.MINUTES);
    if (!ended) {
      process.destroyForcibly();
    }
    assertThat(ended).as("the run ends: %s", Files.readString(log)).isTrue();
    assertThat(process.exitValue()).as(Files.readString(log)).isZero();
    return Long.parseLong(Files.readString(result).split(" ")[1]);
  }
}
