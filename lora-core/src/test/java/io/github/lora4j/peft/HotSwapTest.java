package io.github.lora4j.peft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.github.lora4j.data.Batch;
import io.github.lora4j.error.AdapterMismatchException;
import io.github.lora4j.model.CausalLM;
import io.github.lora4j.nn.ForwardContext;
import io.github.lora4j.tensor.Generator;
import io.github.lora4j.tensor.NoGrad;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import io.github.lora4j.testing.Fixtures;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HotSwapTest {

  private static final Path KINDS = Fixtures.path("/peft/adapters");

  @TempDir Path dir;

  /** Each kind of what an adapter can have is swapped in place, back and forth. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "dora",
        "dora-embed",
        "bias-all-norms",
        "lora-bias",
        "embed",
        "embed-tied-ensured",
        "tokens-tied",
        "tokens-by-name",
        "saved",
        "saved-tied-ensured",
        "pissa"
      })
  void everyPartIsSwappedInPlace(String kind) {
    Path folder = KINDS.resolve(kind);
    Batch batch = AdapterKindsTest.batch();
    try (CausalLM base = AdapterKindsTest.base(folder);
        PeftModel<CausalLM> peft = PeftModel.fromPretrained(base, folder.resolve("adapter"), true);
        PeftModel<CausalLM> other =
            PeftModel.fromPretrained(base, folder.resolve("adapter"), true);
        TensorScope scope = TensorScope.open()) {
      try (NoGrad noGrad = NoGrad.open()) {
        other.trainableParameters().values().forEach(p -> p.mulInPlace(1.25));
      }
      other.savePretrained(dir);
      Tensor before = peft.model().logits(batch);
      Tensor after = other.model().logits(batch);
      assertThat(Fixtures.relativeDifference(before, after)).isGreaterThan(1e-3);
      CausalLM view = peft.model();
      Map<String, Tensor> tensors = peft.trainableParameters();
      peft.hotSwap(dir, "default");
      assertThat(view.logits(batch).equal(after)).isTrue();
      assertThat(peft.trainableParameters()).isEqualTo(tensors);
      peft.hotSwap(folder.resolve("adapter"), "default");
      assertThat(view.logits(batch).equal(before)).isTrue();
    }
  }

  @Test
  void smallerUpdatesOfTablesAreSwappedAndSavedWithTheirRank() {
    Batch batch = AdapterKindsTest.batch();
    Path folder = KINDS.resolve("embed");
    try (CausalLM base = AdapterKindsTest.base(folder);
        PeftModel<CausalLM> peft = PeftModel.fromPretrained(base, folder.resolve("adapter"));
        PeftModel<CausalLM> small =
            PeftModel.wrap(base, random(2, "embed_tokens").alpha(5).dropout(0.5).build());
        TensorScope scope = TensorScope.open()) {
      Tensor expected = small.model().logits(batch);
      small.savePretrained(dir.resolve("small"));
      peft.hotSwap(dir.resolve("small"), "default");
      AdapterKindsTest.assertClose(peft.model().logits(batch), expected);
      assertThat(peft.config().r()).isEqualTo(2);
      peft.savePretrained(dir.resolve("saved"));
      try (PeftModel<CausalLM> saved = PeftModel.fromPretrained(base, dir.resolve("saved"))) {
        assertThat(saved.model().logits(batch).equal(expected)).isTrue();
      }
    }
  }

  @Test
  void dropoutComesWithTheOtherAdapter() {
    Batch batch = AdapterKindsTest.batch();
    try (CausalLM base = AdapterKindsTest.base(KINDS.resolve("embed"));
        PeftModel<CausalLM> peft = PeftModel.wrap(base, random(2, "q_proj").build());
        PeftModel<CausalLM> other = PeftModel.wrap(base, random(2, "q_proj").dropout(0.5).build());
        Generator one = Generator.of(1);
        Generator two = Generator.of(1)) {
      other.savePretrained(dir);
      peft.hotSwap(dir, "default");
      assertThat(peft.lossAndBackward(batch, 1, ForwardContext.training(one)))
          .isEqualTo(other.lossAndBackward(batch, 1, ForwardContext.training(two)))
          .isNotEqualTo(peft.loss(batch, ForwardContext.eval()));
    }
  }

  private static LoraConfigBuilder random(int r, String... targets) {
    return LoraConfig.builder().r(r).targetModules(targets).initLoraWeights(InitLoraWeights.RANDOM);
  }

  @Test
  void whatCantBeSwappedIsNamedAndNothingChanges() {
    refused(
        random(2, "q_proj").trainableTokenIndices(1, 2).build(),
        random(2, "q_proj").trainableTokenIndices(1, 3).build(),
        "trainableTokenIndices can't change from {model.embed_tokens=[1, 2]}");
    refused(
        random(2, "q_proj").modulesToSave("lm_head").build(),
        random(2, "q_proj").build(),
        "only one of the two adapters has lm_head.weight");
    refused(
        random(2, "embed_tokens").build(),
        random(3, "embed_tokens").build(),
        "model.embed_tokens: rank 3, but there is room for 2");
    refused(random(2, "q_proj").useDora(true).build(), random(2, "q_proj").build(), "useDora");
    refused(
        random(2, "q_proj").build(),
        random(2, "q_proj", "up_proj").build(),
        "up_proj: the adapter \"default\" has no update here");
    refused(
        random(2, "q_proj").initLoraWeights(InitLoraWeights.PISSA).build(),
        random(1, "q_proj").initLoraWeights(InitLoraWeights.PISSA).build(),
        "q_proj: rank 1 instead of 2");
  }

  private void refused(LoraConfig there, LoraConfig coming, String message) {
    Batch batch = AdapterKindsTest.batch();
    try (CausalLM base = AdapterKindsTest.base(KINDS.resolve("embed"));
        PeftModel<CausalLM> peft = PeftModel.wrap(base, there);
        PeftModel<CausalLM> other = PeftModel.wrap(base, coming);
        TensorScope scope = TensorScope.open()) {
      other.savePretrained(dir);
      Tensor before = peft.model().logits(batch);
      assertThatExceptionOfType(AdapterMismatchException.class)
          .isThrownBy(() -> peft.hotSwap(dir, "default"))
          .withMessageContaining(message);
      assertThat(peft.model().logits(batch).equal(before)).isTrue();
    }
  }

  @Test
  void tablesThatFilesBringMustBeTheSame() {
    Path pair = Fixtures.path("/peft/tables/pair");
    Path other = Fixtures.path("/peft/tables/targets/adapter");
    Batch batch = AdapterKindsTest.batch();
    try (CausalLM base = AdapterKindsTest.base(pair);
        PeftModel<CausalLM> peft = PeftModel.fromPretrained(base, pair.resolve("a"));
        PeftModel<CausalLM> b = PeftModel.fromPretrained(base, pair.resolve("b"));
        TensorScope scope = TensorScope.open()) {
      peft.hotSwap(pair.resolve("b"), "default");
      AdapterKindsTest.assertClose(peft.model().logits(batch), b.model().logits(batch));
      for (Path folder : List.of(other, KINDS.resolve("embed/adapter"))) {
        assertThatExceptionOfType(AdapterMismatchException.class)
            .isThrownBy(() -> peft.hotSwap(folder, "default"))
            .withMessageContaining("model.embed_tokens: the files bring different tables");
      }
    }
  }
}
