package io.github.lora4j.peft;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.lora4j.data.Batch;
import io.github.lora4j.io.SafeTensors;
import io.github.lora4j.model.AutoModelForCausalLM;
import io.github.lora4j.model.CausalLM;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import io.github.lora4j.testing.Fixtures;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Against what PEFT computes: src/test/python/make_llama_fixtures.py. */
class AdapterParityTest {

  private static final Path LLAMA = Fixtures.path("/llama/llama");

  @ParameterizedTest
  @ValueSource(strings = {"plain", "rslora", "all-linear", "regex", "patterns", "layers"})
  void adaptersOfPeftGiveItsLogitsMergedAndNot(String kind) {
    Path folder = LLAMA.resolve("adapters").resolve(kind);
    try (CausalLM base = AutoModelForCausalLM.fromPretrained(LLAMA.resolve("base"));
        PeftModel<CausalLM> peft = PeftModel.fromPretrained(base, folder.resolve("adapter"));
        SafeTensors expected = SafeTensors.open(folder.resolve("expected.safetensors"));
        TensorScope scope = TensorScope.open()) {
      Batch batch = Fixtures.batch(expected, "");
      Tensor logits = expected.tensor("logits");
      Tensor merged = expected.tensor("logits.merged");
      Tensor withoutAdapter = base.logits(batch);
      assertThat(Fixtures.relativeDifference(withoutAdapter, logits)).isGreaterThan(1e-2);
      assertClose(peft.model().logits(batch), logits);

      peft.mergeAdapter(true);
      assertClose(peft.model().logits(batch), merged);
      peft.unmergeAdapter();
      assertClose(peft.model().logits(batch), logits);
      try (CausalLM alone = peft.mergeAndUnload()) {
        assertClose(alone.logits(batch), merged);
      }
      try (var off = peft.disableAdapter()) {
        assertThat(peft.model().logits(batch).equal(withoutAdapter)).isTrue();
      }
      assertClose(peft.model().logits(batch), logits);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"plain", "rslora", "all-linear", "regex", "patterns", "layers"})
  void savingALoadedAdapterKeepsItsTensorsBitForBit(String kind, @TempDir Path saved) {
    Path adapter = LLAMA.resolve("adapters").resolve(kind).resolve("adapter");
    try (CausalLM base = AutoModelForCausalLM.fromPretrained(LLAMA.resolve("base"));
        PeftModel<CausalLM> peft = PeftModel.fromPretrained(base, adapter)) {
      peft.savePretrained(saved);
    }
    try (SafeTensors before = SafeTensors.open(adapter.resolve("adapter_model.safetensors"));
        SafeTensors after = SafeTensors.open(saved.resolve("adapter_model.safetensors"));
        TensorScope scope = TensorScope.open()) {
      assertThat(after.names()).isEqualTo(before.names());
      assertThat(after.metadata()).containsEntry("format", "pt");
      for (String name : before.names()) {
        assertThat(after.tensor(name).equal(before.tensor(name))).as(name).isTrue();
      }
    }
    assertThat(Files.exists(saved.resolve("README.md"))).isTrue();
    assertThat(LoraConfig.load(saved).toBuilder().build())
        .usingRecursiveComparison()
        .ignoringFields("baseModelNameOrPath")
        .isEqualTo(LoraConfig.load(adapter));
  }

  private static void assertClose(Tensor actual, Tensor expected) {
    assertThat(Fixtures.relativeDifference(actual, expected)).isLessThan(Fixtures.MODEL_TOLERANCE);
  }
}
