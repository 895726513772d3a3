package io.github.lora4j.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.lora4j.model.AutoModelForCausalLM;
import io.github.lora4j.model.CausalLM;
import io.github.lora4j.nn.QuantizedLinear;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** QLoRA from the command line. */
class QuantizedCommandTest {

  @TempDir Path work;

  private Path train(Path model, String quantization) {
    Path adapter = work.resolve("adapter");
    Invocation.of(
            "train",
            "--model",
            model,
            "--quantization",
            quantization,
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
    return adapter;
  }

  @ParameterizedTest
  @CsvSource({"nf4, dequantize, false", "fp4, requantize, true", "int8, requantize, true"})
  void anAdapterIsTrainedUsedAndMerged(String quantization, String choice, boolean stays) {
    Path model = TinyModel.create(work.resolve("model"));
    Path adapter = train(model, quantization);
    Invocation.of(
            "generate",
            "--model",
            model,
            "--quantization",
            quantization,
            "--adapter",
            adapter,
            "--prompt",
            "Answer: ")
        .succeeds();
    Path merged = work.resolve("merged");
    Invocation.of(
            "merge",
            "--model",
            model,
            "--quantization",
            quantization,
            "--adapter",
            adapter,
            "--quantized",
            choice,
            "--output",
            merged)
        .succeeds();
    try (CausalLM loaded = AutoModelForCausalLM.fromPretrained(merged)) {
      assertThat(loaded.linearLayers().stream().anyMatch(QuantizedLinear.class::isInstance))
          .isEqualTo(stays);
    }
    // A quantized folder needs no option.
    Invocation.of("generate", "--model", merged, "--prompt", "Answer: ").succeeds();
  }

  @Test
  void mergingIntoAQuantizedBaseNeedsAChoice() {
    Path model = TinyModel.create(work.resolve("model"));
    Path adapter = train(model, "nf4");
    assertThat(
            Invocation.of(
                    "merge",
                    "--model",
                    model,
                    "--quantization",
                    "nf4",
                    "--adapter",
                    adapter,
                    "--output",
                    work.resolve("merged"))
                .failure())
        .contains("--quantized requantize");
  }
}
