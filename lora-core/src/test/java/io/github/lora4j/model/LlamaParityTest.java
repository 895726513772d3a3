package io.github.lora4j.model;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.lora4j.generate.GenerationConfig;
import io.github.lora4j.generate.TokenGenerator;
import io.github.lora4j.io.SafeTensors;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import io.github.lora4j.testing.Fixtures;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Against what transformers computes: src/test/python/make_llama_fixtures.py. */
class LlamaParityTest {

  @ParameterizedTest
  @ValueSource(strings = {"llama", "llama3", "linear-mqa-bias", "dynamic", "yarn"})
  void logitsEqualThoseOfTransformers(String name) {
    Path folder = Fixtures.path("/llama/" + name);
    try (CausalLM model = AutoModelForCausalLM.fromPretrained(folder.resolve("base"));
        SafeTensors expected = SafeTensors.open(folder.resolve("expected.safetensors"));
        TensorScope scope = TensorScope.open()) {
      Tensor logits = model.logits(Fixtures.batch(expected, ""));
      assertThat(logits.dtype()).isEqualTo(DType.F32);
      assertThat(Fixtures.relativeDifference(logits, expected.tensor("logits")))
          .isLessThan(Fixtures.MODEL_TOLERANCE);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"llama", "llama3", "linear-mqa-bias", "yarn"})
  void greedyGenerationGivesTheTokensOfTransformers(String name) {
    Path folder = Fixtures.path("/llama/" + name);
    try (CausalLM model = AutoModelForCausalLM.fromPretrained(folder.resolve("base"));
        SafeTensors expected = SafeTensors.open(folder.resolve("expected.safetensors"))) {
      GenerationConfig config = GenerationConfig.builder().maxNewTokens(8).build();
      int[] whole = Fixtures.ints(expected, "greedy");
      List<int[]> alone =
          TokenGenerator.generate(model, new int[][] {Arrays.copyOf(whole, 6)}, config);
      assertThat(alone.get(0)).containsExactly(Arrays.copyOfRange(whole, 6, 14));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"llama", "llama3", "linear-mqa-bias", "yarn"})
  void promptsOfUnequalLengthGiveTheTokensOfTransformersInOneBatch(String name) {
    Path folder = Fixtures.path("/llama/" + name);
    try (CausalLM model = AutoModelForCausalLM.fromPretrained(folder.resolve("base"));
        SafeTensors expected = SafeTensors.open(folder.resolve("expected.safetensors"))) {
      int[] pair = Fixtures.ints(expected, "greedy.pair");
      int[][] prompts = {Arrays.copyOfRange(pair, 0, 6), Arrays.copyOfRange(pair, 17, 20)};
      List<int[]> made =
          TokenGenerator.generate(
              model, prompts, GenerationConfig.builder().maxNewTokens(8).build());
      assertThat(made.get(0)).containsExactly(Arrays.copyOfRange(pair, 6, 14));
      assertThat(made.get(1)).containsExactly(Arrays.copyOfRange(pair, 20, 28));
    }
  }

  @Test
  void scoresOfSequencesEqualThoseOfTransformers() {
    Path folder = Fixtures.path("/llama/llama/seqcls");
    try (SequenceClassifier model =
            AutoModelForSequenceClassification.fromPretrained(folder, LoadOptions.defaults());
        SafeTensors expected = SafeTensors.open(folder.resolve("expected.safetensors"));
        TensorScope scope = TensorScope.open()) {
      assertThat(model.numLabels()).isEqualTo(3);
      Tensor logits = model.logits(Fixtures.batch(expected, ""));
      assertThat(Fixtures.relativeDifference(logits, expected.tensor("logits")))
          .isLessThan(Fixtures.MODEL_TOLERANCE);
    }
  }

  /**
   * Half precision rounds weights and activations, to 8 and 11 bits: these are the sizes of such
   * errors.
   */
  @ParameterizedTest
  @CsvSource({"BF16, 0.05", "F16, 0.005"})
  void halfPrecisionStaysNearFloat32(DType dtype, double tolerance) {
    Path folder = Fixtures.path("/llama/llama");
    LoadOptions options = LoadOptions.builder().dtype(dtype).build();
    try (CausalLM model = AutoModelForCausalLM.fromPretrained(folder.resolve("base"), options);
        SafeTensors expected = SafeTensors.open(folder.resolve("expected.safetensors"));
        TensorScope scope = TensorScope.open()) {
      Tensor logits = model.logits(Fixtures.batch(expected, ""));
      assertThat(logits.dtype()).isEqualTo(dtype);
      assertThat(Fixtures.relativeDifference(logits, expected.tensor("logits")))
          .isLessThan(tolerance);
    }
  }
}
