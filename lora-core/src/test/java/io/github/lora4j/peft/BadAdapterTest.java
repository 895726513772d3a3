package io.github.lora4j.peft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.github.lora4j.error.AdapterMismatchException;
import io.github.lora4j.io.SafeTensors;
import io.github.lora4j.io.SafeTensorsWriter;
import io.github.lora4j.model.CausalLM;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import io.github.lora4j.testing.Fixtures;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Every key of an adapter's file that is missing, misspelt or misshapen is named. */
class BadAdapterTest {

  private static final Path CASES = Fixtures.path("/peft/adapters");

  @TempDir Path dir;

  @ParameterizedTest
  @ValueSource(
      strings = {
        "dora",
        "dora-conv",
        "dora-embed",
        "bias-all",
        "bias-all-norms",
        "lora-bias",
        "embed",
        "embed-tied-ensured",
        "tokens-tied",
        "tokens-by-name",
        "saved",
        "saved-tied-ensured",
        "container",
        "replicated",
        "pissa"
      })
  void eachKeyThatIsMissingMisspeltOrMisshapenIsNamed(String kind) throws IOException {
    Path adapter = CASES.resolve(kind).resolve("adapter");
    try (CausalLM base = AdapterKindsTest.base(CASES.resolve(kind));
        SafeTensors file = SafeTensors.open(adapter.resolve(AdapterWeightsFile.NAME))) {
      for (String key : file.names()) {
        if (isNeeded(kind, key)) {
          write(adapter, file, tensors -> tensors.remove(key));
          assertNamed(base, key);
          write(adapter, file, tensors -> tensors.put(key + "s", tensors.remove(key)));
          assertNamed(base, key, key + "s");
        }
        write(
            adapter,
            file,
            tensors -> tensors.compute(key, (name, t) -> Tensor.cat(List.of(t, t), 0)));
        assertNamed(base, key);
      }
      write(adapter, file, tensors -> {});
      PeftModel.fromPretrained(base, dir).close();
    }
  }

  /**
   * The base's own tables need not be there, nor what is the table's again under the head's name.
   */
  private static boolean isNeeded(String kind, String key) {
    return !key.endsWith(".base_layer.weight")
        && !(kind.endsWith("ensured") && key.startsWith("base_model.model.lm_head."));
  }

  private void assertNamed(CausalLM base, String... keys) {
    assertThatExceptionOfType(AdapterMismatchException.class)
        .isThrownBy(() -> PeftModel.fromPretrained(base, dir).close())
        .satisfies(e -> assertThat(e.getMessage()).contains(keys));
  }

  private void write(Path adapter, SafeTensors file, Consumer<Map<String, Tensor>> change)
      throws IOException {
    Files.copy(
        adapter.resolve("adapter_config.json"),
        dir.resolve("adapter_config.json"),
        StandardCopyOption.REPLACE_EXISTING);
    try (TensorScope scope = TensorScope.open()) {
      Map<String, Tensor> tensors = new LinkedHashMap<>();
      file.names().forEach(name -> tensors.put(name, file.tensor(name)));
      change.accept(tensors);
      SafeTensorsWriter.write(dir.resolve(AdapterWeightsFile.NAME), tensors);
    }
  }

  @Test
  void anAdapterOfAnotherModelNamesWhatDoesntFit() {
    try (CausalLM llama = AdapterKindsTest.base(CASES.resolve("dora"));
        CausalLM gpt2 = AdapterKindsTest.base(CASES.resolve("dora-conv"))) {
      assertThatExceptionOfType(AdapterMismatchException.class)
          .isThrownBy(() -> PeftModel.fromPretrained(gpt2, CASES.resolve("dora/adapter")))
          .withMessageContaining("q_proj");
      assertThatExceptionOfType(AdapterMismatchException.class)
          .isThrownBy(() -> PeftModel.fromPretrained(llama, CASES.resolve("dora-conv/adapter")))
          .withMessageContaining("c_attn");
      // The same names, other sizes.
      assertThatExceptionOfType(AdapterMismatchException.class)
          .isThrownBy(() -> PeftModel.fromPretrained(llama, CASES.resolve("lora-bias/adapter")))
          .withMessageContaining(
              "misshapen: base_model.model.model.layers.0.self_attn.v_proj.lora_B.weight");
    }
  }
}
