package io.github.lora4j.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Functional;
import io.github.lora4j.tensor.NativeMemory;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class AdamWTest {

  private static final TrainingArguments LIKE_THE_FIXTURE =
      TrainingArguments.builder()
          .adamBeta1(0.8)
          .adamBeta2(0.95)
          .adamEpsilon(1e-6)
          .weightDecay(0.1)
          .build();

  /** Gives a leaf this gradient, added to what it has. */
  private static void accumulate(Tensor leaf, Tensor gradient) {
    Functional.backward(leaf.mul(gradient).sum());
  }

  @Test
  void updatesAndClippingAreTorchs() {
    JsonNode fixture = TrainFixtures.read("adamw.json");
    try (TensorScope scope = TensorScope.open()) {
      Map<String, Tensor> parameters = new LinkedHashMap<>();
      Map<String, long[]> shapes = new LinkedHashMap<>();
      fixture
          .get("shapes")
          .properties()
          .forEach(
              e -> {
                long[] shape = new long[e.getValue().size()];
                for (int i = 0; i < shape.length; i++) {
                  shape[i] = e.getValue().get(i).longValue();
                }
                shapes.put(e.getKey(), shape);
                float[] start = TrainFixtures.floats(fixture.get("start").get(e.getKey()));
                parameters.put(e.getKey(), Tensor.of(start, shape).requiresGrad(true));
              });
      try (Optimizer optimizer = Optimizers.of(parameters, LIKE_THE_FIXTURE)) {
        for (JsonNode step : fixture.get("steps")) {
          parameters.forEach(
              (name, leaf) -> {
                JsonNode gradient = step.get("gradients").get(name);
                if (!gradient.isNull()) {
                  accumulate(leaf, Tensor.of(TrainFixtures.floats(gradient), shapes.get(name)));
                }
              });

          double norm = GradientClipper.clip(parameters.values(), 2.0);
          optimizer.step(step.get("learning_rate").doubleValue());
          optimizer.zeroGrad();

          double expectedNorm = step.get("grad_norm").doubleValue();
          assertThat(norm).isCloseTo(expectedNorm, within(1e-6 * expectedNorm));
          parameters.forEach(
              (name, leaf) -> {
                float[] expected = TrainFixtures.floats(step.get("parameters").get(name));
                float[] found = leaf.toFloatArray();
                for (int i = 0; i < expected.length; i++) {
                  assertThat(found[i])
                      .as("%s[%d]", name, i)
                      .isCloseTo(
                          expected[i], within(1e-6f * Math.max(0.1f, Math.abs(expected[i]))));
                }
              });
        }
      }
    }
  }

  @Test
  void zeroGradForgetsTheGradients() {
    try (TensorScope scope = TensorScope.open()) {
      Tensor leaf = Tensor.of(new float[] {1, 2}, 2).requiresGrad(true);
      try (Optimizer optimizer = Optimizers.of(Map.of("w", leaf), LIKE_THE_FIXTURE)) {
        accumulate(leaf, Tensor.of(new float[] {3, 4}, 2));
        assertThat(leaf.grad()).isPresent();

        optimizer.zeroGrad();

        assertThat(leaf.grad()).isEmpty();
      }
    }
  }

  @Test
  void aHalfPrecisionParameterKeepsItsTypeAndItsStatesDontLoseSmallGradients() {
    try (TensorScope scope = TensorScope.open()) {
      Tensor half = Tensor.of(new float[] {1, 2}, 2).to(DType.BF16).requiresGrad(true);
      Tensor full = Tensor.of(new float[] {1, 2}, 2).requiresGrad(true);
      try (Optimizer ofHalf = Optimizers.of(Map.of("w", half), LIKE_THE_FIXTURE);
          Optimizer ofFull = Optimizers.of(Map.of("w", full), LIKE_THE_FIXTURE)) {
        for (int i = 0; i < 3; i++) {
          accumulate(half, Tensor.of(new float[] {0.25f, 0.5f}, 2).to(DType.BF16));
          accumulate(full, Tensor.of(new float[] {0.25f, 0.5f}, 2));
          ofHalf.step(0.1);
          ofFull.step(0.1);
        }
      }
      assertThat(half.dtype()).isEqualTo(DType.BF16);
      assertThat(half.toFloatArray()).containsExactly(full.toFloatArray(), within(0.02f));
      assertThat(half.toFloatArray()[0]).isLessThan(0.9f);
    }
  }

  @Test
  void closingFreesTheStates() {
    try (TensorScope scope = TensorScope.open()) {
      Map<String, Tensor> parameters =
          Map.of(
              "a", Tensor.zeros(DType.F32, Device.CPU, 4).requiresGrad(true),
              "b", Tensor.zeros(DType.F32, Device.CPU, 4).requiresGrad(true));
      long before = NativeMemory.liveHandles();

      Optimizer optimizer = Optimizers.of(parameters, LIKE_THE_FIXTURE);
      assertThat(NativeMemory.liveHandles()).isGreaterThanOrEqualTo(before + 4);
      optimizer.close();
      optimizer.close();

      assertThat(NativeMemory.liveHandles()).isLessThanOrEqualTo(before);
    }
  }

  @Test
  void clippingToZeroOnlyMeasures() {
    try (TensorScope scope = TensorScope.open()) {
      Tensor leaf = Tensor.of(new float[] {0, 0}, 2).requiresGrad(true);
      accumulate(leaf, Tensor.of(new float[] {3, 4}, 2));

      assertThat(GradientClipper.clip(List.of(leaf), 0)).isEqualTo(5.0);
      assertThat(leaf.grad().orElseThrow().toFloatArray()).containsExactly(3, 4);
    }
  }

  @Test
  void aModelWhoseLossReachesNoParameterIsAnError() {
    try (TensorScope scope = TensorScope.open()) {
      Tensor leaf = Tensor.of(new float[] {0}, 1).requiresGrad(true);

      assertThatThrownBy(() -> GradientClipper.clip(List.of(leaf), 1))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("None of the model's 1 trainable parameters got a gradient");
    }
  }

  @Test
  void biasesAndNormsDontDecay() {
    assertThat(WeightDecayRule.appliesTo("model.layers.0.self_attn.q_proj.lora_A.weight")).isTrue();
    assertThat(WeightDecayRule.appliesTo("model.normal.weight")).isTrue();
    assertThat(WeightDecayRule.appliesTo("q_proj.bias")).isFalse();
    assertThat(WeightDecayRule.appliesTo("model.norm.weight")).isFalse();
    assertThat(WeightDecayRule.appliesTo("norm")).isFalse();
    assertThat(WeightDecayRule.appliesTo("layers.0.q_norm.weight")).isFalse();
    assertThat(WeightDecayRule.appliesTo("layers.0.input_LayerNorm.weight")).isFalse();
    assertThat(WeightDecayRule.appliesTo("layers.0.RMSNorm.weight")).isFalse();
  }
}
