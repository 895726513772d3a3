package io.github.lora4j.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Functional;
import io.github.lora4j.tensor.Generator;
import io.github.lora4j.tensor.NativeMemory;
import io.github.lora4j.tensor.NoGrad;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The update of many parameters at once against the formula, number by number. */
class AdamWFusedTest {

  private static final TrainingArguments ARGS =
      TrainingArguments.builder()
          .adamBeta1(0.8)
          .adamBeta2(0.95)
          .adamEpsilon(1e-6)
          .weightDecay(0.1)
          .build();

  private static final Map<String, long[]> SHAPES = shapes();

  private static Map<String, long[]> shapes() {
    Map<String, long[]> shapes = new LinkedHashMap<>();
    shapes.put("a.weight", new long[] {33, 17});
    shapes.put("a.bias", new long[] {33});
    shapes.put("norm.weight", new long[] {1});
    shapes.put("b.weight", new long[] {2, 3, 65});
    shapes.put("scalar", new long[] {});
    shapes.put("empty", new long[] {0, 4});
    shapes.put("large.weight", new long[] {512, 520});
    shapes.put("late.weight", new long[] {7, 5});
    return shapes;
  }

  @Test
  void isTheFormulaForAllShapesAndGroups() {
    Map<String, double[]> weights = new LinkedHashMap<>();
    Map<String, Moments> moments = new LinkedHashMap<>();
    try (TensorScope scope = TensorScope.open();
        Generator random = Generator.of(1)) {
      Map<String, Tensor> parameters = new LinkedHashMap<>();
      SHAPES.forEach(
          (name, shape) -> {
            Tensor leaf = Tensor.normal(0, 1, random, shape);
            parameters.put(name, leaf.requiresGrad(true));
            weights.put(name, leaf.toDoubleArray());
            moments.put(name, new Moments(Math.toIntExact(leaf.numel())));
          });
      try (Optimizer optimizer = Optimizers.of(parameters, ARGS)) {
        for (int i = 1; i <= 6; i++) {
          double learningRate = 0.1 / i;
          for (String name : SHAPES.keySet()) {
            // One parameter gets its gradients in every second update only.
            if (!name.startsWith("late") || i % 2 == 0) {
              Tensor gradient = Tensor.normal(0, 1, random, SHAPES.get(name));
              give(parameters.get(name), gradient);
              double decay = WeightDecayRule.appliesTo(name) ? 0.1 : 0;
              moments
                  .get(name)
                  .move(weights.get(name), gradient.toDoubleArray(), learningRate, decay);
            }
          }
          optimizer.step(learningRate);
          optimizer.zeroGrad();
          parameters.forEach((name, leaf) -> assertClose(name, leaf, weights.get(name)));
        }
      }
    }
  }

  @Test
  void aParameterOrGradientWithStridesIsUpdatedAsItStands() {
    try (TensorScope scope = TensorScope.open();
        Generator random = Generator.of(2)) {
      Tensor rows = Tensor.normal(0, 1, random, 4, 3);
      Tensor columns = rows.transpose(0, 1).contiguous().transpose(0, 1).requiresGrad(true);
      Tensor plain = rows.copy().requiresGrad(true);
      Tensor expanded = rows.copy().requiresGrad(true);
      assertThat(columns.isContiguous()).isFalse();
      try (Optimizer optimizer =
          Optimizers.of(Map.of("columns", columns, "plain", plain, "expanded", expanded), ARGS)) {
        Tensor ones = Tensor.full(1, DType.F32, rows.device(), 1, 3);
        for (int i = 0; i < 3; i++) {
          give(columns, ones.expand(4, 3));
          give(plain, ones.expand(4, 3).contiguous());
          give(expanded, ones.expand(4, 3));
          optimizer.step(0.1);
          optimizer.zeroGrad();
        }
      }
      assertThat(columns.toFloatArray()).containsExactly(plain.toFloatArray(), within(1e-6f));
      assertThat(expanded.toFloatArray()).containsExactly(plain.toFloatArray(), within(1e-6f));
    }
  }

  @Test
  void aHalfPrecisionParameterIsRoundedOncePerUpdate() {
    try (TensorScope scope = TensorScope.open();
        Generator random = Generator.of(3)) {
      Tensor start = Tensor.normal(0, 1, random, 40).to(DType.BF16);
      Tensor gradient = Tensor.normal(0, 1, random, 40).to(DType.BF16);
      Tensor half = start.copy().requiresGrad(true);
      Tensor full = start.to(DType.F32).requiresGrad(true);
      Tensor other = start.to(DType.F32).copy().requiresGrad(true);
      Map<String, Tensor> parameters = new LinkedHashMap<>();
      parameters.put("half", half);
      parameters.put("other", other);
      try (Optimizer mixed = Optimizers.of(parameters, ARGS);
          Optimizer ofFull = Optimizers.of(Map.of("full", full), ARGS)) {
        for (int i = 0; i < 4; i++) {
          give(half, gradient);
          give(other, gradient.to(DType.F32));
          give(full, gradient.to(DType.F32));
          mixed.step(0.1);
          ofFull.step(0.1);
          assertThat(half.equal(full.to(DType.BF16))).isTrue();
          try (NoGrad noGrad = NoGrad.open()) {
            full.copyInPlace(half);
          }
          List.of(half, other, full).forEach(Tensor::clearGrad);
        }
      }
    }
  }

  @Test
  void updatesAndClippingLeaveNothingBehind() {
    try (TensorScope scope = TensorScope.open()) {
      Map<String, Tensor> parameters = new LinkedHashMap<>();
      for (DType dtype : List.of(DType.F32, DType.BF16)) {
        for (int i = 0; i < 8; i++) {
          Tensor leaf = Tensor.full(1, dtype, Device.CPU, 16, 4);
          give(leaf.requiresGrad(true), leaf.detach().copy());
          parameters.put(dtype + "." + i, leaf);
        }
      }
      try (Optimizer optimizer = Optimizers.of(parameters, ARGS)) {
        optimizer.step(0.01);
        long before = NativeMemory.liveHandles();
        for (int i = 0; i < 50; i++) {
          GradientClipper.clip(parameters.values(), 0.5);
          optimizer.step(0.01);
        }
        assertThat(NativeMemory.liveHandles()).isLessThanOrEqualTo(before);
      }
    }
  }

  /** Makes this the gradient of a leaf. */
  private static void give(Tensor leaf, Tensor gradient) {
    Functional.backward(leaf.mul(gradient).sum());
  }

  private static void assertClose(String name, Tensor leaf, double[] expected) {
    double[] found = leaf.toDoubleArray();
    assertThat(found).hasSameSizeAs(expected);
    double worst = 0;
    for (int i = 0; i < expected.length; i++) {
      double error = Math.abs(found[i] - expected[i]) / Math.max(0.1, Math.abs(expected[i]));
      worst = Math.max(worst, error);
    }
    assertThat(worst).as(name).isLessThan(1e-6);
  }

  /** The formula as it stands in torch's documentation, in double precision. */
  private static final class Moments {
    private final double[] first;
    private final double[] second;
    private int steps;

    Moments(int size) {
      first = new double[size];
      second = new double[size];
    }

    void move(double[] weight, double[] gradient, double learningRate, double decay) {
      steps++;
      double correction1 = 1 - Math.pow(0.8, steps);
      double correction2 = 1 - Math.pow(0.95, steps);
      for (int i = 0; i < weight.length; i++) {
        first[i] = 0.8 * first[i] + 0.2 * gradient[i];
        second[i] = 0.95 * second[i] + 0.05 * gradient[i] * gradient[i];
        weight[i] -= learningRate * decay * weight[i];
        weight[i] -=
            learningRate * (first[i] / correction1) / (Math.sqrt(second[i] / correction2) + 1e-6);
      }
    }
  }
}
