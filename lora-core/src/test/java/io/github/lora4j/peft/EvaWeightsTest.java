package io.github.lora4j.peft;

import static io.github.lora4j.peft.VariantFixture.assertNear;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.github.lora4j.data.Batch;
import io.github.lora4j.io.SafeTensors;
import io.github.lora4j.model.AutoModelForCausalLM;
import io.github.lora4j.model.CausalLM;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import io.github.lora4j.testing.Fixtures;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class EvaWeightsTest {

  private static final Path LLAMA = Fixtures.path("/llama/llama");
  private static final EvaConfig LESS_SURE = new EvaConfig(2, 0.9, true, -100, false, true);

  private CausalLM base;
  private final List<Batch> batches = new ArrayList<>();
  private TensorScope scope;

  @BeforeEach
  void load() {
    base = AutoModelForCausalLM.fromPretrained(LLAMA.resolve("base"));
    try (SafeTensors file = SafeTensors.open(LLAMA.resolve("train/batches.safetensors"))) {
      for (int i = 0; i < 6; i++) {
        batches.add(Fixtures.batch(file, "." + i));
      }
    }
    scope = TensorScope.open();
  }

  @AfterEach
  void close() {
    scope.close();
    base.close();
  }

  private static LoraConfig config() {
    return LoraConfig.builder()
        .r(2)
        .alpha(6)
        .targetModules("all-linear")
        .rankPattern("down_proj", 3)
        .initLoraWeights(InitLoraWeights.EVA)
        .build();
  }

  @Test
  void anAdapterBeginsAsPefts() {
    try (VariantFixture expected = new VariantFixture("eva_model");
        PeftModel<CausalLM> peft = PeftModel.wrap(base, config())) {
      EvaWeights.initialize(peft, batches, LESS_SURE);
      Map<String, Tensor> found = peft.trainableParameters();
      assertThat(found).hasSize(2 * 14);
      found.forEach(
          (name, tensor) -> {
            if (name.endsWith(LoraWeights.A)) {
              assertNear(tensor, expected.get(name));
            } else {
              assertThat(tensor.abs().max().item()).isZero();
            }
          });
      assertThat(peft.config().rankPattern())
          .containsEntry("model.layers.0.self_attn.o_proj", 4)
          .containsEntry("model.layers.0.self_attn.q_proj", 1)
          .hasSize(7);
      assertThat(peft.config().alphaPattern())
          .containsEntry("model.layers.0.self_attn.o_proj", 12.0)
          .containsEntry("model.layers.1.mlp.down_proj", 4.0)
          .hasSize(9);
      // B is zero: the model answers as before.
      assertThat(peft.model().logits(batches.get(0)).equal(base.logits(batches.get(0)))).isTrue();
    }
  }

  @Test
  void withoutAMaskForLabelsAllTokensCount() {
    EvaConfig all = new EvaConfig(1, 0.9, false, -100, false, true);
    ChosenPositions chosen = ChosenPositions.of(batches.get(0), all);
    long tokens = 0;
    for (int mask : batches.get(0).attentionMask()) {
      tokens += mask;
    }
    assertThat(chosen.places()).hasSize((int) tokens);
    assertThat(ChosenPositions.of(batches.get(0), LESS_SURE).places()).hasSize(21);
    try (PeftModel<CausalLM> peft = PeftModel.wrap(base, config())) {
      EvaWeights.initialize(peft, batches, LESS_SURE);
      float[] labelled = a(peft);
      peft.replaceAdapter("default", config());
      EvaWeights.initialize(peft, batches, all);
      assertThat(a(peft)).isNotEqualTo(labelled);
    }
  }

  private static float[] a(PeftModel<?> peft) {
    String name = "model.layers.1.self_attn.o_proj" + LoraWeights.A;
    return peft.trainableParameters().get(name).toFloatArray();
  }

  @Test
  void scalingsMayFollowTheNewRanks() {
    EvaConfig plain = new EvaConfig(2, 0.9, true, -100, false, false);
    try (PeftModel<CausalLM> peft = PeftModel.wrap(base, config())) {
      EvaWeights.initialize(peft, batches, plain);
      assertThat(peft.config().rankPattern()).isNotEmpty();
      assertThat(peft.config().alphaPattern()).isEmpty();
    }
  }

  @Test
  void onlyAnAdapterMadeForItIsBegun() {
    LoraConfig other = config().toBuilder().initLoraWeights(true).build();
    try (PeftModel<CausalLM> peft = PeftModel.wrap(base, other)) {
      assertThatIllegalStateException()
          .isThrownBy(() -> EvaWeights.initialize(peft, batches))
          .withMessageContaining("true");
      peft.addAdapter("eva", config());
      peft.setAdapter("default", "eva");
      assertThatIllegalStateException()
          .isThrownBy(() -> EvaWeights.initialize(peft, batches))
          .withMessageContaining("[default, eva]");
      peft.setAdapter("eva");
      EvaWeights.initialize(peft, batches, LESS_SURE);
      assertThat(peft.activeAdapters()).containsExactly("eva");
    }
  }
}
