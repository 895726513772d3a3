package io.github.lora4j.peft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.github.lora4j.data.Batch;
import io.github.lora4j.error.LoraException;
import io.github.lora4j.io.SafeTensors;
import io.github.lora4j.model.AutoModelForCausalLM;
import io.github.lora4j.model.CausalLM;
import io.github.lora4j.tensor.NativeMemory;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import io.github.lora4j.testing.Fixtures;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class WeightedAdapterTest {

  private static final Path LLAMA = Fixtures.path("/llama/llama");
  private static final List<String> BOTH = List.of("default", "other");

  @TempDir private Path dir;
  private CausalLM base;
  private PeftModel<CausalLM> peft;
  private Batch batch;
  private TensorScope scope;

  @BeforeEach
  void load() {
    base = AutoModelForCausalLM.fromPretrained(LLAMA.resolve("base"));
    try (SafeTensors batches = SafeTensors.open(LLAMA.resolve("train/batches.safetensors"))) {
      batch = Fixtures.batch(batches, ".0");
    }
    scope = TensorScope.open();
    peft = PeftModel.wrap(base, random(3, false, "q_proj", "up_proj"));
    peft.addAdapter("other", random(2, true, "q_proj", "v_proj"), 7);
  }

  @AfterEach
  void close() {
    peft.close();
    scope.close();
    base.close();
  }

  private static LoraConfig random(int r, boolean rslora, String... modules) {
    return LoraConfig.builder()
        .r(r)
        .alpha(5)
        .useRslora(rslora)
        .targetModules(modules)
        .initLoraWeights(InitLoraWeights.RANDOM)
        .build();
  }

  /** What the model says with both active and weighted. */
  private Tensor together() {
    peft.setAdapter("default", "other");
    peft.setScale("default", 0.6);
    peft.setScale("other", -1.5);
    Tensor logits = peft.model().logits(batch);
    peft.setScale("default", 1);
    peft.setScale("other", 1);
    return logits;
  }

  private Tensor of(String adapter) {
    peft.setAdapter(adapter);
    return peft.model().logits(batch);
  }

  private void mix(CombinationType type, CombinationOptions options) {
    peft.addWeightedAdapter(BOTH, new double[] {0.6, -1.5}, "mix", type, options);
  }

  @ParameterizedTest
  @EnumSource(
      value = CombinationType.class,
      names = {"CAT", "SVD"})
  void exactCombinationsSayWhatTheirPartsSayTogether(CombinationType type) {
    Tensor expected = together();
    mix(type, CombinationOptions.DEFAULT.withSvdRank(5));
    Tensor found = of("mix");
    assertThat(Fixtures.relativeDifference(found, expected)).isLessThan(Fixtures.MODEL_TOLERANCE);
    assertThat(Fixtures.relativeDifference(found, base.logits(batch))).isGreaterThan(0.01);
    LoraConfig config = peft.config("mix");
    assertThat(config.r()).isEqualTo(5);
    assertThat(config.loraAlpha()).isEqualTo(5);
    assertThat(config.useRslora()).isFalse();
    assertThat(config.rankPattern())
        .containsEntry("model.layers.0.self_attn.v_proj", 2)
        .containsEntry("model.layers.0.mlp.up_proj", 3)
        .hasSize(4);
    assertThat(peft.trainableParameters()).isEmpty();
    peft.savePretrained(dir, "mix");
    try (PeftModel<CausalLM> again = PeftModel.fromPretrained(base, dir.resolve("mix"))) {
      assertThat(again.model().logits(batch).equal(found)).isTrue();
    }
  }

  @ParameterizedTest
  @EnumSource(CombinationType.class)
  void eachTypeMakesAnAdapter(CombinationType type) {
    peft.addAdapter("equal", random(3, false, "q_proj", "v_proj"), 9);
    Tensor before = of("default");
    peft.addWeightedAdapter(
        List.of("default", "equal"),
        new double[] {1, 1},
        "mix",
        type,
        CombinationOptions.DEFAULT.withDensity(0.5));
    assertThat(of("mix").isFinite().all()).isTrue();
    assertThat(of("mix").equal(base.logits(batch))).isFalse();
    assertThat(of("default").equal(before)).isTrue();
  }

  @Test
  void oneAdapterAloneIsScaled() {
    peft.addWeightedAdapter(List.of("other"), new double[] {-2}, "mix", CombinationType.SVD);
    peft.setAdapter("other");
    peft.setScale("other", -2);
    Tensor expected = peft.model().logits(batch);
    assertThat(Fixtures.relativeDifference(of("mix"), expected))
        .isLessThan(Fixtures.MODEL_TOLERANCE);
    assertThat(peft.config("mix").r()).isEqualTo(2);
  }

  @Test
  void whatCannotBeCombinedIsRefusedAndNothingChanges() {
    List<String> before = peft.adapterNames();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> mix(CombinationType.LINEAR, CombinationOptions.DEFAULT))
        .withMessageContaining("[3, 2]");
    assertThatIllegalArgumentException()
        .isThrownBy(
            () -> peft.addWeightedAdapter(BOTH, new double[] {1}, "mix", CombinationType.CAT))
        .withMessageContaining("weight for each");
    assertThatIllegalArgumentException()
        .isThrownBy(
            () -> peft.addWeightedAdapter(BOTH, new double[] {1, 1}, "other", CombinationType.CAT))
        .withMessageContaining("other");
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                peft.addWeightedAdapter(
                    List.of("default", "none"), new double[] {1, 1}, "mix", CombinationType.CAT))
        .withMessageContaining("none");
    peft.addAdapter(
        "whole", random(2, false, "q_proj").toBuilder().modulesToSave("lm_head").build());
    assertThatExceptionOfType(LoraException.class)
        .isThrownBy(
            () ->
                peft.addWeightedAdapter(
                    List.of("default", "whole"), new double[] {1, 1}, "mix", CombinationType.CAT))
        .withMessageContaining("whole")
        .withMessageContaining("lm_head");
    peft.deleteAdapter("whole");
    assertThat(peft.adapterNames()).isEqualTo(before);
  }

  @Test
  void combiningLeaksNothing() {
    mix(CombinationType.SVD, CombinationOptions.DEFAULT);
    peft.deleteAdapter("mix");
    long before = NativeMemory.liveHandles();
    for (int i = 0; i < 20; i++) {
      mix(CombinationType.SVD, CombinationOptions.DEFAULT);
      peft.deleteAdapter("mix");
    }
    assertThat(NativeMemory.liveHandles()).isEqualTo(before);
  }
}
