package io.github.lora4j.peft;

import static io.github.lora4j.testing.Fixtures.relativeDifference;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.lora4j.io.SafeTensors;
import io.github.lora4j.model.AutoModelForCausalLM;
import io.github.lora4j.model.CausalLM;
import io.github.lora4j.model.DecodingSession;
import io.github.lora4j.tensor.NoGrad;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import io.github.lora4j.testing.Fixtures;
import io.github.lora4j.testing.TunerCase;
import io.github.lora4j.train.ReferenceRun;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Adapters of other kinds than LoRA, compared with PEFT. */
class TunerParityTest {

  @TempDir Path work;
  @TempDir Path saved;

  @ParameterizedTest
  @ValueSource(
      strings = {
        "ia3-llama",
        "ia3-regex",
        "ia3-gpt2",
        "ln-llama",
        "ln-gpt2",
        "prompt-llama",
        "prompt-gpt2",
        "prompt-gemma",
        "prefix-llama",
        "prefix-projection",
        "prefix-gpt2",
        "prefix-gemma"
      })
  void anAdapterOfPeftAnswersAsThereAndIsWrittenAsItWas(String name) throws IOException {
    TunerCase parity = TunerCase.of(name, work);
    try (TensorScope scope = TensorScope.open();
        CausalLM base = AutoModelForCausalLM.fromPretrained(parity.family().base());
        TunedModel<CausalLM> tuned = TunedModel.fromPretrained(base, parity.adapter())) {
      assertThat(tuned.trainableParameters()).isEmpty();
      Tensor logits = tuned.model().logits(parity.family().batch());
      assertThat(relativeDifference(logits, parity.expected("logits")))
          .isLessThan(Fixtures.MODEL_TOLERANCE);
      assertThat(greedy(tuned.model(), parity)).isEqualTo(parity.expected("greedy").toLongArray());
      tuned.savePretrained(saved);
      assertSameFiles(parity.adapter());
      writeForPeft(tuned, name);
      assertThat(PeftConfig.load(saved).peftType()).isEqualTo(tuned.config().peftType());
      tuned.disableAdapterLayers();
      assertThat(
              tuned
                  .model()
                  .logits(parity.family().batch())
                  .equal(base.logits(parity.family().batch())))
          .isTrue();
    }
  }

  /** For check_tuners.py. */
  private static void writeForPeft(TunedModel<CausalLM> tuned, String name) throws IOException {
    String out = System.getenv("LORA4J_TUNERS_OUT");
    if (out != null) {
      tuned.savePretrained(Files.createDirectories(Path.of(out, name, "adapter")));
    }
  }

  private static long[] greedy(CausalLM model, TunerCase parity) {
    long[] expected = parity.expected("greedy").toLongArray();
    int given = parity.family().batch().length();
    int[] prompt = Arrays.stream(expected).limit(given).mapToInt(id -> (int) id).toArray();
    // A second row, shorter than the first, must not change it.
    int[] shorter = Arrays.copyOf(prompt, given - 3);
    long[] whole = new long[expected.length];
    System.arraycopy(expected, 0, whole, 0, given);
    try (DecodingSession session =
        model.startDecoding(new int[][] {prompt, shorter}, expected.length)) {
      for (int i = given; i < expected.length; i++) {
        float[] scores = session.logits()[0];
        int best = 0;
        for (int id = 1; id < scores.length; id++) {
          best = scores[id] > scores[best] ? id : best;
        }
        whole[i] = best;
        if (i + 1 < expected.length) {
          session.append(new int[] {best, 5});
        }
      }
    }
    return whole;
  }

  private void assertSameFiles(Path adapter) throws IOException {
    ObjectMapper json = new ObjectMapper();
    String config = "adapter_config.json";
    JsonNode found = json.readTree(saved.resolve(config).toFile());
    JsonNode expected = json.readTree(adapter.resolve(config).toFile());
    assertThat(found).isEqualTo(expected);
    String weights = "adapter_model.safetensors";
    try (SafeTensors ours = SafeTensors.open(saved.resolve(weights));
        SafeTensors theirs = SafeTensors.open(adapter.resolve(weights))) {
      assertThat(ours.names()).isEqualTo(theirs.names());
      for (String name : theirs.names()) {
        assertThat(ours.tensor(name).equal(theirs.tensor(name))).as(name).isTrue();
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"ia3-llama", "ia3-regex", "ia3-gpt2", "ln-llama", "ln-gpt2"})
  void aMergedModelAnswersAsThere(String name) {
    TunerCase parity = TunerCase.of(name, work);
    try (TensorScope scope = TensorScope.open();
        CausalLM base = AutoModelForCausalLM.fromPretrained(parity.family().base());
        TunedModel<CausalLM> tuned = TunedModel.fromPretrained(base, parity.adapter())) {
      Tensor before = base.logits(parity.family().batch());
      tuned.mergeAdapter();
      assertThat(tuned.isMerged()).isTrue();
      Tensor merged = tuned.model().logits(parity.family().batch());
      assertThat(relativeDifference(merged, parity.expected("merged")))
          .isLessThan(Fixtures.MODEL_TOLERANCE);
      tuned.unmergeAdapter();
      assertThat(base.logits(parity.family().batch()).equal(before)).isTrue();
      try (CausalLM own = tuned.mergeAndUnload()) {
        own.savePretrained(saved);
      }
      try (CausalLM again = AutoModelForCausalLM.fromPretrained(saved)) {
        assertThat(again.logits(parity.family().batch()).equal(merged)).isTrue();
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "ia3-llama, false",
    "ia3-llama, true",
    "ia3-regex, false",
    "ia3-gpt2, false",
    "ln-llama, false",
    "ln-gpt2, true",
    "prompt-llama, false",
    "prompt-llama, true",
    "prompt-gpt2, false",
    "prompt-gemma, false",
    "prefix-llama, false",
    "prefix-llama, true",
    "prefix-projection, false",
    "prefix-projection, true",
    "prefix-gpt2, false",
    "prefix-gemma, false"
  })
  void aRunGivesTheLossesNormsAndAdapterOfPeft(String name, boolean checkpointing) {
    TunerCase parity = TunerCase.of(name, work);
    try (TensorScope scope = TensorScope.open();
        CausalLM base = AutoModelForCausalLM.fromPretrained(parity.family().base());
        TunedModel<CausalLM> tuned = start(parity, base)) {
      assertThat(ReferenceRun.largestDifference(parity, tuned, checkpointing)).isLessThan(1e-4);
      tuned.savePretrained(saved);
      try (SafeTensors ours = SafeTensors.open(saved.resolve("adapter_model.safetensors"))) {
        for (String tensor : ours.names()) {
          assertThat(relativeDifference(ours.tensor(tensor), parity.expected("end." + tensor)))
              .as(tensor)
              .isLessThan(1e-3);
        }
      }
    }
  }

  /** The adapter of the case; a network that PEFT doesn't save begins as it did there. */
  private static TunedModel<CausalLM> start(TunerCase parity, CausalLM base) {
    PeftConfig config = PeftConfig.load(parity.adapter());
    if (!(config instanceof PrefixTuningConfig prefix) || !prefix.prefixProjection()) {
      return TunedModel.fromPretrained(base, parity.adapter(), true);
    }
    TunedModel<CausalLM> fresh = TunedModel.wrap(base, config);
    Map<String, Tensor> parameters = fresh.trainableParameters();
    assertThat(parameters).hasSize(5);
    try (NoGrad noGrad = NoGrad.open()) {
      parameters.forEach(
          (name, parameter) ->
              parameter.copyInPlace(
                  parity.expected("start." + name.substring("prompt_encoder.".length()))));
    }
    assertThat(List.copyOf(parameters.keySet())).contains("prompt_encoder.transform.2.bias");
    return fresh;
  }
}
