package io.github.lora4j.quant.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.lora4j.io.SafeTensors;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Functional;
import io.github.lora4j.tensor.NativeMemory;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import io.github.lora4j.train.OptimizedParameter;
import io.github.lora4j.train.Optimizer;
import io.github.lora4j.train.OptimizerName;
import io.github.lora4j.train.OptimizerProvider;
import io.github.lora4j.train.TrainingArguments;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.ServiceLoader;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Against src/test/python/make_optimizer_fixtures.py. */
class BlockwiseOptimizersTest {

  private static final double RATE = 1e-2;

  @ParameterizedTest(name = "{0} of {1} weights, {3}")
  @CsvSource({
    "adamw, 4396, large, ADAMW_BNB_8BIT, 0.9, 0.999, 0",
    "adamw, 4096, edge, PAGED_ADAMW_8BIT, 0.9, 0.999, 0",
    "adamw, 4095, small, ADAMW_BNB_8BIT, 0.9, 0.999, 0",
    "adamw, 4095, small, PAGED_ADAMW_32BIT, 0.9, 0.999, 0",
    "adamw.decay, 4396, large, PAGED_ADAMW_8BIT, 0.8, 0.95, 0.1",
    "adamw.decay, 4096, edge, ADAMW_BNB_8BIT, 0.8, 0.95, 0.1",
    "adamw.decay, 4095, small, ADAMW_BNB_8BIT, 0.8, 0.95, 0.1",
    "lion, 4396, large, LION_8BIT, 0.9, 0.99, 0.1",
    "lion, 4096, edge, PAGED_LION_8BIT, 0.9, 0.99, 0.1",
    "lion, 4095, small, LION_32BIT, 0.9, 0.99, 0.1",
    "lion, 4095, small, PAGED_LION_32BIT, 0.9, 0.99, 0.1"
  })
  void twentyUpdatesAreThoseOfBitsandbytes(
      String run, int size, String which, OptimizerName name, double b1, double b2, double decay)
      throws URISyntaxException {
    TrainingArguments args =
        TrainingArguments.builder().optim(name).adamBeta1(b1).adamBeta2(b2).build();
    try (TensorScope scope = TensorScope.open();
        SafeTensors expected = SafeTensors.open(fixture())) {
      Tensor weights = Tensor.of(numbers(size, 1), size).requiresGrad(true);
      OptimizedParameter parameter = new OptimizedParameter("w", weights, decay, 0.5);
      try (Optimizer optimizer = new BlockwiseOptimizers().create(List.of(parameter), args)) {
        for (int step = 1; step <= 20; step++) {
          give(weights, Tensor.of(numbers(size, 1 + step), size));
          optimizer.step(2 * RATE);
          optimizer.zeroGrad();
        }
      }
      float[] found = weights.toFloatArray();
      float[] reference = expected.tensor(run + "." + which).toFloatArray();
      assertThat(reference).hasSize((size + 6) / 7);
      for (int i = 0; i < reference.length; i++) {
        double tolerance = 1e-6 * Math.max(0.01, Math.abs(reference[i]));
        assertThat(Math.abs(found[7 * i] - reference[i]))
            .as("weight %d", 7 * i)
            .isLessThan((float) tolerance);
      }
    }
  }

  @Test
  void coreFindsTheProviderOfAllNamesThatItDoesNotHaveItself() {
    List<OptimizerProvider> providers =
        ServiceLoader.load(OptimizerProvider.class).stream()
            .map(ServiceLoader.Provider::get)
            .toList();

    assertThat(providers).hasOnlyElementsOfType(BlockwiseOptimizers.class).hasSize(1);
    assertThat(OptimizerName.values())
        .filteredOn(name -> !providers.get(0).provides(name))
        .containsExactly(
            OptimizerName.ADAMW_TORCH, OptimizerName.ADAMW_TORCH_FUSED, OptimizerName.SGD);
  }

  @Test
  void anOptimizerOfCoreIsRefused() {
    TrainingArguments args = TrainingArguments.builder().build();

    assertThatThrownBy(() -> new BlockwiseOptimizers().create(List.of(), args))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("found adamw_torch");
  }

  @ParameterizedTest
  @EnumSource(
      value = OptimizerName.class,
      names = {"ADAMW_BNB_8BIT", "PAGED_LION_32BIT"})
  void aHalfPrecisionOrStridedWeightIsUpdatedAsItStands(OptimizerName name) {
    TrainingArguments args = TrainingArguments.builder().optim(name).build();
    try (TensorScope scope = TensorScope.open()) {
      Tensor start = Tensor.of(numbers(70 * 70, 1), 70, 70).to(DType.BF16).to(DType.F32);
      Tensor plain = start.copy().requiresGrad(true);
      Tensor half = start.to(DType.BF16).requiresGrad(true);
      Tensor columns = start.transpose(0, 1).contiguous().transpose(0, 1).requiresGrad(true);
      assertThat(columns.isContiguous()).isFalse();
      Tensor gradient = Tensor.of(numbers(70 * 70, 2), 70, 70).to(DType.BF16).to(DType.F32);
      List<OptimizedParameter> parameters =
          List.of(
              new OptimizedParameter("plain", plain, 0.1, 1),
              new OptimizedParameter("half", half, 0.1, 1),
              new OptimizedParameter("columns", columns, 0.1, 1));
      try (Optimizer optimizer = new BlockwiseOptimizers().create(parameters, args)) {
        give(plain, gradient);
        give(half, gradient.to(DType.BF16));
        give(columns, gradient);
        optimizer.step(RATE);
      }
      assertThat(columns.toFloatArray()).isEqualTo(plain.toFloatArray());
      assertThat(half.dtype()).isEqualTo(DType.BF16);
      assertThat(half.equal(plain.detach().to(DType.BF16))).isTrue();
      assertThat(plain.equal(start)).isFalse();
    }
  }

  @Test
  void aWeightWithoutGradientStaysAndItsBiasCorrectionStandsStill() {
    TrainingArguments args =
        TrainingArguments.builder().optim(OptimizerName.ADAMW_BNB_8BIT).build();
    try (TensorScope scope = TensorScope.open()) {
      Tensor early = Tensor.of(numbers(5000, 1), 5000).requiresGrad(true);
      Tensor late = early.detach().copy().requiresGrad(true);
      List<OptimizedParameter> parameters =
          List.of(
              new OptimizedParameter("early", early, 0, 1),
              new OptimizedParameter("late", late, 0, 1));
      Tensor gradient = Tensor.of(numbers(5000, 2), 5000);
      try (Optimizer optimizer = new BlockwiseOptimizers().create(parameters, args)) {
        give(early, gradient);
        optimizer.step(RATE);
        float[] afterOne = early.toFloatArray();
        assertThat(late.toFloatArray()).isEqualTo(numbers(5000, 1));
        optimizer.zeroGrad();
        give(late, gradient);
        optimizer.step(RATE);
        assertThat(late.toFloatArray()).isEqualTo(afterOne);
        assertThat(early.toFloatArray()).isEqualTo(afterOne);
      }
    }
  }

  @Test
  void aGradientThatIsNotFiniteMovesNothing() {
    TrainingArguments args =
        TrainingArguments.builder().optim(OptimizerName.ADAMW_BNB_8BIT).build();
    float[] gradient = numbers(4096, 2);
    gradient[3] = Float.NaN;
    gradient[4] = Float.NEGATIVE_INFINITY;
    try (TensorScope scope = TensorScope.open()) {
      Tensor weights = Tensor.of(numbers(4096, 1), 4096).requiresGrad(true);
      OptimizedParameter parameter = new OptimizedParameter("w", weights, 0.1, 1);
      try (Optimizer optimizer = new BlockwiseOptimizers().create(List.of(parameter), args)) {
        give(weights, Tensor.of(gradient, 4096));
        optimizer.step(RATE);
      }
      float[] found = weights.toFloatArray();
      float[] start = numbers(4096, 1);
      assertThat(found[3]).isEqualTo(start[3]);
      assertThat(found[4]).isEqualTo(start[4]);
      assertThat(found[5]).isNotEqualTo(start[5]).isFinite();
    }
  }

  @Test
  void eightBitStatesTakeAQuarterOfTheMemoryButEmbeddingsKeepFloats() {
    assertThat(stateBytes("layers.0.q_proj.lora_A.weight", 65_536))
        .isEqualTo(2 * (65_536 + 4 * 256));
    assertThat(stateBytes("layers.0.q_proj.lora_A.weight", 4_095)).isEqualTo(2 * 4 * 4_095);
    assertThat(stateBytes("model.embed_tokens.weight", 65_536)).isEqualTo(2 * 4 * 65_536);
    assertThat(stateBytes("transformer.wte.modules_to_save.weight", 65_536))
        .isEqualTo(2 * 4 * 65_536);
  }

  private static long stateBytes(String name, int size) {
    try (TensorScope scope = TensorScope.open()) {
      Tensor weights = Tensor.empty(DType.F32, Device.CPU, size);
      try (HostOptimizer optimizer =
          new HostOptimizer(
              List.of(new OptimizedParameter(name, weights, 0, 1)),
              new AdamRule(0.9, 0.999, 1e-8),
              true)) {
        assertThat(BlockwiseOptimizers.stateBytes(OptimizerName.ADAMW_BNB_8BIT, name, size))
            .isEqualTo(optimizer.stateBytes());
        return optimizer.stateBytes();
      }
    }
  }

  @Test
  void updatesLeaveNothingBehind() {
    TrainingArguments args =
        TrainingArguments.builder().optim(OptimizerName.PAGED_ADAMW_8BIT).build();
    try (TensorScope scope = TensorScope.open()) {
      Tensor weights = Tensor.of(numbers(40_000, 1), 40_000).requiresGrad(true);
      Tensor half = weights.detach().to(DType.BF16).requiresGrad(true);
      give(weights, Tensor.of(numbers(40_000, 2), 40_000));
      give(half, Tensor.of(numbers(40_000, 2), 40_000).to(DType.BF16));
      List<OptimizedParameter> parameters =
          List.of(
              new OptimizedParameter("w", weights, 0, 1),
              new OptimizedParameter("half", half, 0, 1));
      long before = NativeMemory.liveHandles();
      Optimizer optimizer = new BlockwiseOptimizers().create(parameters, args);
      for (int i = 0; i < 20; i++) {
        optimizer.step(RATE);
      }
      optimizer.close();
      optimizer.close();
      assertThat(NativeMemory.liveHandles()).isLessThanOrEqualTo(before);
    }
  }

  private static void give(Tensor leaf, Tensor gradient) {
    Functional.backward(leaf.mul(gradient).sum());
  }

  /** The same numbers as the script's. */
  static float[] numbers(int size, int salt) {
    float[] values = new float[size];
    for (int i = 0; i < size; i++) {
      long x = (i * 2654435761L + salt * 97654321L) & 0xFFFFFFFFL;
      x = ((x ^ (x >>> 15)) * 2246822519L) & 0xFFFFFFFFL;
      double uniform = (x >>> 8) / (double) (1 << 24) - 0.5;
      values[i] = (float) (uniform * Math.pow(2, -(i % 11)));
    }
    return values;
  }

  private static Path fixture() throws URISyntaxException {
    return Path.of(
        Objects.requireNonNull(BlockwiseOptimizersTest.class.getResource("expected.safetensors"))
            .toURI());
  }
}
