package io.github.lora4j.peft;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.lora4j.data.Batch;
import io.github.lora4j.io.SafeTensors;
import io.github.lora4j.model.AutoModelForCausalLM;
import io.github.lora4j.model.CausalLM;
import io.github.lora4j.nn.ForwardContext;
import io.github.lora4j.tensor.Generator;
import io.github.lora4j.tensor.NativeMemory;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import io.github.lora4j.testing.Fixtures;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Against what PEFT computes: src/test/python/make_adapter_fixtures.py. */
class AdapterKindsTest {

  private static final Path CASES = Fixtures.path("/peft/adapters");

  @TempDir Path dir;

  static CausalLM base(Path kind) {
    try (SafeTensors expected = SafeTensors.open(kind.resolve("expected.safetensors"))) {
      String name = expected.metadata().get("base");
      return AutoModelForCausalLM.fromPretrained(
          name.equals("gpt2")
              ? CASES.resolve("gpt2")
              : Fixtures.path("/llama/" + name).resolve("base"));
    }
  }

  static Batch batch() {
    try (SafeTensors file = SafeTensors.open(CASES.resolve("batch.safetensors"))) {
      return Fixtures.batch(file, "");
    }
  }

  static void assertClose(Tensor actual, Tensor expected) {
    assertThat(Fixtures.relativeDifference(actual, expected)).isLessThan(Fixtures.MODEL_TOLERANCE);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "dora",
        "dora-bias",
        "dora-conv",
        "dora-embed",
        "bias-all",
        "bias-all-norms",
        "bias-lora-only",
        "lora-bias",
        "embed",
        "embed-tied",
        "tokens",
        "tokens-tied",
        "tokens-by-name",
        "saved",
        "saved-tied",
        "saved-tied-ensured",
        "embed-tied-ensured",
        "replicated",
        "pissa",
        "olora",
        "container",
        "container-block"
      })
  void adaptersOfPeftGiveItsLogitsAndAreSavedAsTheyCame(String kind) throws IOException {
    Path folder = CASES.resolve(kind);
    Batch batch = batch();
    try (CausalLM base = base(folder);
        PeftModel<CausalLM> peft = PeftModel.fromPretrained(base, folder.resolve("adapter"));
        SafeTensors expected = SafeTensors.open(folder.resolve("expected.safetensors"));
        TensorScope scope = TensorScope.open()) {
      Tensor before = base.logits(batch);
      Tensor logits = expected.tensor("logits");
      assertThat(Fixtures.relativeDifference(before, logits)).isGreaterThan(1e-2);
      assertClose(peft.model().logits(batch), logits);
      Tensor rows = peft.withAdapterNames(List.of("default", "__base__")).logits(batch);
      assertClose(rows.narrow(0, 0, 1), logits.narrow(0, 0, 1));
      boolean replicated = kind.equals("replicated");
      if (!replicated) {
        assertClose(rows.narrow(0, 1, 1), before.narrow(0, 1, 1));
      }
      peft.mergeAdapter(true);
      assertClose(peft.model().logits(batch), logits);
      if (expected.names().contains("logits.merged")) {
        assertClose(peft.model().logits(batch), expected.tensor("logits.merged"));
      }
      peft.unmergeAdapter();
      assertClose(peft.model().logits(batch), logits);
      try (CausalLM alone = peft.mergeAndUnload()) {
        assertClose(alone.logits(batch), logits);
        alone.savePretrained(dir.resolve("merged"));
      }
      try (CausalLM loaded = AutoModelForCausalLM.fromPretrained(dir.resolve("merged"))) {
        assertClose(loaded.logits(batch), logits);
      }
      try (var off = peft.disableAdapter()) {
        if (!replicated) {
          assertThat(peft.model().logits(batch).equal(before)).isTrue();
        }
      }
      assertThat(base.logits(batch).equal(before)).isTrue();
      peft.savePretrained(dir.resolve("saved"));
    }
    assertSame(dir.resolve("saved"), folder.resolve("adapter"));
  }

  /** The same tensors bit for bit, and the same configuration. */
  static void assertSame(Path saved, Path original) throws IOException {
    try (SafeTensors before = SafeTensors.open(original.resolve("adapter_model.safetensors"));
        SafeTensors after = SafeTensors.open(saved.resolve("adapter_model.safetensors"));
        TensorScope scope = TensorScope.open()) {
      assertThat(after.names()).isEqualTo(before.names());
      for (String name : before.names()) {
        assertThat(after.tensor(name).equal(before.tensor(name))).as(name).isTrue();
      }
    }
    assertThat(config(saved)).isEqualTo(config(original));
  }

  private static Map<String, Object> config(Path folder) throws IOException {
    JsonNode json =
        PeftAnswers.JSON.readTree(Files.readString(folder.resolve("adapter_config.json")));
    Map<String, Object> fields = new TreeMap<>();
    json.properties()
        .forEach(
            field -> {
              JsonNode value = field.getValue();
              boolean set = List.of("target_modules", "exclude_modules").contains(field.getKey());
              fields.put(
                  field.getKey(),
                  set && value.isArray()
                      ? PeftAnswers.strings(value).stream().sorted().toList()
                      : value);
            });
    fields.remove("base_model_name_or_path");
    return fields;
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "dora",
        "dora-embed",
        "bias-all",
        "bias-all-norms",
        "lora-bias",
        "embed",
        "tokens-tied",
        "tokens-by-name",
        "saved",
        "saved-tied-ensured",
        "embed-tied-ensured",
        "container-block",
        "replicated",
        "pissa"
      })
  void gradientsAreLibtorchs(String kind) {
    Path folder = CASES.resolve(kind);
    Batch batch = batch();
    try (CausalLM base = base(folder);
        PeftModel<CausalLM> peft = PeftModel.fromPretrained(base, folder.resolve("adapter"), true);
        Generator dropout = Generator.of(0)) {
      Map<String, float[]> expected = gradients(peft, batch, context(dropout).plain(true));
      assertThat(expected).isNotEmpty();
      assertSame(gradients(peft, batch, context(dropout)), expected);
      assertSame(gradients(peft, batch, context(dropout).gradientCheckpointing(true)), expected);
      List<Long> handles = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        gradients(peft, batch, context(dropout));
        handles.add(NativeMemory.liveHandles());
      }
      assertThat(handles.get(2) - handles.get(0)).as(handles.toString()).isLessThan(3);
    }
  }

  private static ForwardContext context(Generator dropout) {
    return ForwardContext.training(dropout);
  }

  private static Map<String, float[]> gradients(
      PeftModel<CausalLM> peft, Batch batch, ForwardContext context) {
    peft.lossAndBackward(batch, 0.1, context);
    Map<String, float[]> found = new TreeMap<>();
    peft.trainableParameters()
        .forEach(
            (name, parameter) -> {
              try (Tensor gradient = parameter.grad().orElseThrow(() -> new AssertionError(name))) {
                found.put(name, gradient.toFloatArray());
              }
              parameter.clearGrad();
            });
    return found;
  }

  private static void assertSame(Map<String, float[]> actual, Map<String, float[]> expected) {
    assertThat(actual.keySet()).isEqualTo(expected.keySet());
    double largest = 0;
    for (float[] values : expected.values()) {
      for (float value : values) {
        largest = Math.max(largest, Math.abs(value));
      }
    }
    for (Map.Entry<String, float[]> each : expected.entrySet()) {
      float[] ours = actual.get(each.getKey());
      double difference = 0;
      for (int i = 0; i < ours.length; i++) {
        difference = Math.max(difference, Math.abs(ours[i] - each.getValue()[i]));
      }
      assertThat(difference / largest).as(each.getKey()).isLessThan(1e-5);
    }
  }

  @Test
  void dropoutLeavesTheBasesOwnOutputUndroppedUnderDora() {
    LoraConfig config =
        LoraConfig.builder()
            .useDora(true)
            .dropout(0.4)
            .initLoraWeights(InitLoraWeights.RANDOM)
            .build();
    try (CausalLM base = base(CASES.resolve("dora"));
        PeftModel<CausalLM> peft = PeftModel.wrap(base, config)) {
      double[] losses = new double[2];
      for (int i = 0; i < 2; i++) {
        try (Generator dropout = Generator.of(3)) {
          ForwardContext context = ForwardContext.training(dropout).plain(i == 0);
          losses[i] = peft.lossAndBackward(batch(), 1, context);
        }
      }
      assertThat(losses[1]).isNotEqualTo(peft.loss(batch(), ForwardContext.eval()));
      assertThat(Arrays.stream(losses).allMatch(Double::isFinite)).isTrue();
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "dora",
        "dora-bias",
        "bias-all",
        "lora-bias",
        "tokens-tied",
        "saved",
        "pissa",
        "olora",
        "replicated",
        "saved-tied-ensured",
        "container",
        "container-block"
      })
  void aFreshAdapterChangesNothing(String kind) {
    Path folder = CASES.resolve(kind);
    LoraConfig config = LoraConfig.load(folder.resolve("adapter"));
    Batch batch = batch();
    try (CausalLM base = base(folder);
        PeftModel<CausalLM> peft =
            PeftModel.wrap(base, config.toBuilder().inferenceMode(false).build());
        PeftModel<CausalLM> stored =
            PeftModel.fromPretrained(base, folder.resolve("adapter"), true);
        TensorScope scope = TensorScope.open()) {
      assertThat(peft.trainableParameters().keySet())
          .isEqualTo(stored.trainableParameters().keySet());
      Tensor before;
      try (var off = peft.disableAdapter()) {
        before = peft.model().logits(batch);
      }
      assertClose(peft.model().logits(batch), before);
      peft.savePretrained(dir);
      try (PeftModel<CausalLM> again = PeftModel.fromPretrained(base, dir)) {
        assertClose(again.model().logits(batch), before);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"pissa", "olora"})
  void whatTookFromTheBaseIsPlainLoraForTheRest(String kind) {
    Path folder = CASES.resolve(kind);
    Batch batch = batch();
    try (CausalLM base = base(folder);
        PeftModel<CausalLM> peft = PeftModel.fromPretrained(base, folder.resolve("adapter"));
        CausalLM rest = peft.unload();
        TensorScope scope = TensorScope.open()) {
      peft.saveForUnloaded(dir);
      try (PeftModel<CausalLM> plain = PeftModel.fromPretrained(rest, dir)) {
        assertThat(plain.config().r()).isEqualTo(peft.config().r());
        assertThat(plain.config().initLoraWeights()).isEqualTo(InitLoraWeights.KAIMING);
        assertClose(plain.model().logits(batch), peft.model().logits(batch));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"pissa", "olora"})
  void whatTookFromTheBaseIsSavedAsPlainLora(String kind) throws IOException {
    Path folder = CASES.resolve(kind);
    Batch batch = batch();
    try (CausalLM base = base(folder);
        PeftModel<CausalLM> peft = PeftModel.fromPretrained(base, folder.resolve("adapter"));
        PeftModel<CausalLM> theirs = PeftModel.fromPretrained(base, folder.resolve("converted"));
        TensorScope scope = TensorScope.open()) {
      Tensor logits = peft.model().logits(batch);
      assertClose(theirs.model().logits(batch), logits);
      peft.savePlainLora(dir);
      try (PeftModel<CausalLM> ours = PeftModel.fromPretrained(base, dir)) {
        assertClose(ours.model().logits(batch), logits);
      }
    }
    assertThat(config(dir)).isEqualTo(config(folder.resolve("converted")));
  }

  @Test
  void pairsAreMixedAndCombinedAsInPeft() {
    Path folder = CASES.resolve("pair");
    Batch batch = batch();
    try (CausalLM base = base(folder);
        PeftModel<CausalLM> peft = PeftModel.fromPretrained(base, folder.resolve("a"), "a", false);
        SafeTensors expected = SafeTensors.open(folder.resolve("expected.safetensors"));
        TensorScope scope = TensorScope.open()) {
      peft.loadAdapter(folder.resolve("b"), "b");
      assertClose(
          peft.withAdapterNames(List.of("b", "__base__")).logits(batch), expected.tensor("rows"));
      peft.setAdapter("a", "b");
      assertClose(peft.model().logits(batch), expected.tensor("both"));
      peft.mergeAdapter();
      assertClose(peft.model().logits(batch), expected.tensor("both.merged"));
      peft.unmergeAdapter();
      CombinationOptions none = CombinationOptions.DEFAULT;
      Map<String, CombinationOptions> combinations =
          Map.of(
              "linear",
              none,
              "cat",
              none,
              "svd",
              none,
              "svd.rank",
              none.withSvdRank(3),
              "ties",
              none.withDensity(0.6),
              "magnitude_prune_svd",
              none.withDensity(0.5));
      combinations.forEach(
          (name, options) -> {
            String type = name.split("\\.")[0];
            String adapter = "w" + name.replace('.', '_');
            peft.addWeightedAdapter(
                List.of("a", "b"),
                new double[] {0.7, -0.4},
                adapter,
                CombinationType.of(type),
                options);
            peft.setAdapter(adapter);
            Tensor logits = expected.tensor("weighted." + name);
            assertThat(Fixtures.relativeDifference(peft.model().logits(batch), logits))
                .as(name)
                .isLessThan(Fixtures.MODEL_TOLERANCE);
          });
    }
  }
}
