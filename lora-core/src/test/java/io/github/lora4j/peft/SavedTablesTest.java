package io.github.lora4j.peft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import io.github.lora4j.data.Batch;
import io.github.lora4j.error.AdapterMismatchException;
import io.github.lora4j.io.SafeTensors;
import io.github.lora4j.io.SafeTensorsWriter;
import io.github.lora4j.model.AutoModelForCausalLM;
import io.github.lora4j.model.CausalLM;
import io.github.lora4j.nn.ForwardContext;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Generator;
import io.github.lora4j.tensor.NativeMemory;
import io.github.lora4j.tensor.NoGrad;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import io.github.lora4j.testing.Fixtures;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Adapters whose files bring tables of their own: src/test/python/make_table_fixtures.py. */
class SavedTablesTest {

  private static final Path CASES = Fixtures.path("/peft/tables");

  @TempDir Path dir;

  private static void assertClose(Tensor actual, Tensor expected) {
    AdapterKindsTest.assertClose(actual, expected);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "targets",
        "targets-dora",
        "targets-tied",
        "ensured",
        "untargeted",
        "untargeted-tied",
        "tokens",
        "tokens-tied",
        "saved",
        "saved-tied",
        "pissa-head"
      })
  void aTableInTheFileTakesTheBasesPlaceWhereTheAdapterTakesPart(String kind) {
    Path folder = CASES.resolve(kind);
    Batch batch = AdapterKindsTest.batch();
    try (CausalLM base = AdapterKindsTest.base(folder);
        PeftModel<CausalLM> peft = PeftModel.fromPretrained(base, folder.resolve("adapter"));
        SafeTensors expected = SafeTensors.open(folder.resolve("expected.safetensors"));
        TensorScope scope = TensorScope.open()) {
      Tensor before = base.logits(batch);
      Tensor logits = expected.tensor("logits");
      assertThat(Fixtures.relativeDifference(before, logits)).isGreaterThan(1e-2);
      assertClose(peft.model().logits(batch), logits);
      Tensor rows = peft.withAdapterNames(List.of("default", "__base__")).logits(batch);
      assertClose(rows.narrow(0, 0, 1), logits.narrow(0, 0, 1));
      assertClose(rows.narrow(0, 1, 1), before.narrow(0, 1, 1));

      peft.mergeAdapter(true);
      assertClose(peft.model().logits(batch), logits);
      peft.unmergeAdapter();
      assertThat(peft.model().logits(batch).equal(peft.model().logits(batch))).isTrue();
      try (CausalLM alone = peft.mergeAndUnload()) {
        assertClose(alone.logits(batch), logits);
        alone.savePretrained(dir.resolve("merged"));
      }
      try (CausalLM loaded = AutoModelForCausalLM.fromPretrained(dir.resolve("merged"))) {
        assertClose(loaded.logits(batch), logits);
      }
      try (var off = peft.disableAdapter()) {
        assertThat(peft.model().logits(batch).equal(before)).isTrue();
      }
      assertThat(base.logits(batch).equal(before)).isTrue();

      peft.savePretrained(dir.resolve("saved"));
      try (PeftModel<CausalLM> again = PeftModel.fromPretrained(base, dir.resolve("saved"))) {
        assertThat(again.model().logits(batch).equal(peft.model().logits(batch))).isTrue();
      }
      assertSaved(dir.resolve("saved"), folder.resolve("adapter"), kind);
      peft.deleteAdapter("default");
      assertThat(peft.model().logits(batch).equal(before)).isTrue();
    }
  }

  /** All tensors that carry something; PEFT writes some once more as its live model calls them. */
  private static void assertSaved(Path saved, Path original, String kind) {
    try (SafeTensors before = SafeTensors.open(original.resolve(AdapterWeightsFile.NAME));
        SafeTensors after = SafeTensors.open(saved.resolve(AdapterWeightsFile.NAME));
        TensorScope scope = TensorScope.open()) {
      Set<String> names = new TreeSet<>(before.names());
      names.removeIf(name -> name.contains(".modules_to_save."));
      names.removeIf(name -> name.contains(".original_module."));
      if (kind.equals("tokens-tied")) {
        names.removeIf(name -> name.endsWith("lm_head" + TokenRows.KEY));
      }
      assertThat(after.names()).containsAll(names);
      for (String name : names) {
        assertThat(after.tensor(name).equal(before.tensor(name))).as(name).isTrue();
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"targets", "targets-dora", "tokens-tied", "untargeted"})
  void suchAnAdapterGoesOnLearningBesideItsTable(String kind) {
    Path folder = CASES.resolve(kind);
    Batch batch = AdapterKindsTest.batch();
    try (CausalLM base = AdapterKindsTest.base(folder);
        PeftModel<CausalLM> peft = PeftModel.fromPretrained(base, folder.resolve("adapter"), true);
        Generator dropout = Generator.of(0)) {
      assertThat(peft.trainableParameters().keySet())
          .isNotEmpty()
          .noneMatch(name -> name.contains("base_layer"));
      List<Long> handles = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        handles.add(NativeMemory.liveHandles());
        double loss = peft.lossAndBackward(batch, 1, ForwardContext.training(dropout));
        assertThat(loss).isCloseTo(peft.loss(batch, ForwardContext.eval()), within(1e-5));
        peft.trainableParameters()
            .forEach(
                (name, parameter) -> {
                  try (Tensor grad = parameter.grad().orElseThrow()) {
                    assertThat(grad.toFloatArray()).as(name).isNotEmpty();
                  }
                  parameter.clearGrad();
                });
      }
      assertThat(handles.get(2) - handles.get(1)).as(handles.toString()).isLessThan(3);
      assertThat(peft.layerStatus())
          .allSatisfy(
              layer ->
                  assertThat(layer.requiresGrad().values()).doesNotContain(Consistency.IRREGULAR));
    }
  }

  @Test
  void adaptersOfOneOtherBaseTakePartTogether() {
    Path folder = CASES.resolve("pair");
    Batch batch = AdapterKindsTest.batch();
    try (CausalLM base = AdapterKindsTest.base(folder);
        PeftModel<CausalLM> peft = PeftModel.fromPretrained(base, folder.resolve("a"), "a", false);
        SafeTensors expected = SafeTensors.open(folder.resolve("expected.safetensors"));
        TensorScope scope = TensorScope.open()) {
      peft.loadAdapter(folder.resolve("b"), "b");
      peft.addAdapter("plain", LoraConfig.builder().targetModules("q_proj").build());
      for (String name : List.of("a", "b")) {
        peft.setAdapter(name);
        assertClose(peft.model().logits(batch), expected.tensor("logits." + name));
      }
      peft.setAdapter("a", "b");
      Tensor both = peft.model().logits(batch);
      assertClose(both, expected.tensor("logits"));
      try (CausalLM merged = peft.mergeAndUnload()) {
        assertClose(merged.logits(batch), both);
      }
      peft.setAdapter("plain");
      assertClose(peft.model().logits(batch), base.logits(batch));
      peft.deleteAdapter("a");
      peft.setAdapter("b");
      assertClose(peft.model().logits(batch), expected.tensor("logits.b"));
      peft.loadAdapter(CASES.resolve("untargeted/adapter"), "other");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> peft.setAdapter("b", "other"))
          .withMessageContaining("model.embed_tokens");
    }
  }

  @Test
  void magnitudesAreThoseOfTheTableThatTakesPart() {
    Batch batch = AdapterKindsTest.batch();
    LoraConfig dora =
        LoraConfig.builder()
            .targetModules("lm_head", "embed_tokens")
            .useDora(true)
            .initLoraWeights(InitLoraWeights.RANDOM)
            .inferenceMode(true)
            .build();
    Path table = CASES.resolve("untargeted");
    try (CausalLM base = AdapterKindsTest.base(table);
        PeftModel<CausalLM> peft = PeftModel.wrap(base, dora);
        TensorScope scope = TensorScope.open()) {
      Tensor alone = peft.model().logits(batch);
      peft.loadAdapter(table.resolve("adapter"), "table");
      peft.setAdapter("default", "table");
      Tensor both = peft.model().logits(batch);
      try (CausalLM merged = peft.mergeAndUnload()) {
        assertClose(merged.logits(batch), both);
      }
      peft.setAdapter("default");
      assertThat(peft.model().logits(batch).equal(alone)).isTrue();
    }
  }

  @Test
  void aHeadThatGaveUpAPartIsSavedAsPeftHasIt() {
    LoraConfig config =
        LoraConfig.builder()
            .r(2)
            .targetModules("lm_head", "embed_tokens")
            .initLoraWeights(InitLoraWeights.PISSA)
            .build();
    Batch batch = AdapterKindsTest.batch();
    Path folder = CASES.resolve("targets");
    try (CausalLM base = AdapterKindsTest.base(folder);
        PeftModel<CausalLM> peft = PeftModel.wrap(base, config);
        TensorScope scope = TensorScope.open()) {
      try (NoGrad noGrad = NoGrad.open()) {
        peft.trainableParameters().get("lm_head.lora_A.weight").mulInPlace(1.5);
        peft.trainableParameters().get("model.embed_tokens.lora_embedding_A").addInPlace(0.1);
      }
      Tensor logits = peft.model().logits(batch);
      peft.savePretrained(dir.resolve("saved"));
      try (SafeTensors saved =
          SafeTensors.open(dir.resolve("saved").resolve(AdapterWeightsFile.NAME))) {
        Tensor own = base.parameters().get("lm_head.weight");
        Tensor rest = saved.tensor("base_model.model.lm_head.base_layer.weight");
        assertThat(Fixtures.relativeDifference(rest, own)).isGreaterThan(1e-2);
      }
      peft.savePlainLora(dir.resolve("plain"));
      for (String name : List.of("saved", "plain")) {
        try (PeftModel<CausalLM> again = PeftModel.fromPretrained(base, dir.resolve(name))) {
          assertClose(again.model().logits(batch), logits);
          again.savePlainLora(dir.resolve("again"));
        }
        try (PeftModel<CausalLM> again = PeftModel.fromPretrained(base, dir.resolve("again"))) {
          assertClose(again.model().logits(batch), logits);
        }
      }
    }
  }

  @Test
  void tablesOfOtherSizesAndTiedOnesThatDifferAreNamed() throws IOException {
    Path adapter = CASES.resolve("untargeted-tied/adapter");
    try (CausalLM base = AdapterKindsTest.base(CASES.resolve("untargeted-tied"))) {
      String head = "base_model.model.lm_head.weight";
      rewrite(adapter, Map.of(head, Tensor.full(1, DType.F32, Device.CPU, 64, 32)));
      assertThatExceptionOfType(AdapterMismatchException.class)
          .isThrownBy(() -> PeftModel.fromPretrained(base, dir))
          .withMessageContaining("lm_head.weight")
          .withMessageContaining("embed_tokens.weight")
          .withMessageContaining("tied");
      rewrite(adapter, Map.of(head, Tensor.full(1, DType.F32, Device.CPU, 70, 32)));
      assertThatExceptionOfType(AdapterMismatchException.class)
          .isThrownBy(() -> PeftModel.fromPretrained(base, dir))
          .withMessageContaining(head + " (expected [64, 32], found [70, 32])")
          .withMessageContaining("vocabulary");
    }
  }

  private void rewrite(Path adapter, Map<String, Tensor> changed) throws IOException {
    Files.copy(
        adapter.resolve("adapter_config.json"),
        dir.resolve("adapter_config.json"),
        StandardCopyOption.REPLACE_EXISTING);
    try (SafeTensors file = SafeTensors.open(adapter.resolve(AdapterWeightsFile.NAME));
        TensorScope scope = TensorScope.open()) {
      Map<String, Tensor> tensors = new LinkedHashMap<>();
      file.names().forEach(name -> tensors.put(name, file.tensor(name)));
      tensors.putAll(changed);
      SafeTensorsWriter.write(dir.resolve(AdapterWeightsFile.NAME), tensors);
    }
  }
}
