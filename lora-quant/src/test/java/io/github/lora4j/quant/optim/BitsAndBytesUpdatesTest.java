package io.github.lora4j.quant.optim;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.lora4j.io.SafeTensors;
import io.github.lora4j.tensor.Functional;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import io.github.lora4j.train.OptimizedParameter;
import io.github.lora4j.train.Optimizer;
import io.github.lora4j.train.OptimizerName;
import io.github.lora4j.train.TrainingArguments;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Against updates that bitsandbytes itself made on a CPU, where they are those of its CUDA kernels:
 * src/test/python/make_bitsandbytes_fixtures.py.
 */
class BitsAndBytesUpdatesTest {

  private static final double RATE = 1e-2;
  private static final double SAME = 1e-6;
  private static final int LARGE = 4396;
  private static final int SMALL = 4095;

  @ParameterizedTest
  @CsvSource({"adamw.small, ADAMW_BNB_8BIT, 0.999, 0", "lion.small, LION_8BIT, 0.99, 0.1"})
  void statesOfSmallWeightsAreFloats(String run, OptimizerName name, double beta2, double decay)
      throws URISyntaxException {
    IntFunction<float[]> gradients = salt -> BlockwiseOptimizersTest.numbers(SMALL, salt);

    assertThat(differences(run, name, beta2, decay, SMALL, 20, gradients)).allMatch(d -> d < SAME);
  }

  @Test
  void theFirstUpdateKnowsNothingOfCodes() throws URISyntaxException {
    IntFunction<float[]> gradients = salt -> BlockwiseOptimizersTest.numbers(LARGE, salt);

    assertThat(
            differences("adamw.first", OptimizerName.ADAMW_BNB_8BIT, 0.999, 0, LARGE, 1, gradients))
        .allMatch(d -> d < SAME);
  }

  @Test
  void lionsDirectionsAreTheSame() throws URISyntaxException {
    assertThat(
            differences(
                "lion.steady", OptimizerName.LION_8BIT, 0.99, 0.1, LARGE, 20, salt -> steady(salt)))
        .allMatch(d -> d < SAME);
  }

  /** Now and then a state lies so near to a threshold that the CPU backend gives the next code. */
  @Test
  void codedStatesGiveTheSameUpdates() throws URISyntaxException {
    List<Double> found =
        differences(
            "adamw.steady",
            OptimizerName.ADAMW_BNB_8BIT,
            0.999,
            0,
            LARGE,
            20,
            salt -> steady(salt));

    assertThat(found).allMatch(d -> d < 0.01 * 20 * RATE);
    assertThat(found.stream().filter(d -> d < SAME).count()).isGreaterThan(found.size() * 8L / 10);
  }

  private static List<Double> differences(
      String run,
      OptimizerName name,
      double beta2,
      double decay,
      int size,
      int steps,
      IntFunction<float[]> gradients)
      throws URISyntaxException {
    TrainingArguments args = TrainingArguments.builder().optim(name).adamBeta2(beta2).build();
    try (TensorScope scope = TensorScope.open();
        SafeTensors expected = SafeTensors.open(fixture())) {
      Tensor weights = Tensor.of(BlockwiseOptimizersTest.numbers(size, 1), size).requiresGrad(true);
      OptimizedParameter parameter = new OptimizedParameter("w", weights, decay, 1);
      try (Optimizer optimizer = new BlockwiseOptimizers().create(List.of(parameter), args)) {
        for (int step = 1; step <= steps; step++) {
          Functional.backward(weights.mul(Tensor.of(gradients.apply(1 + step), size)).sum());
          optimizer.step(RATE);
          optimizer.zeroGrad();
        }
      }
      float[] found = weights.toFloatArray();
      float[] reference = expected.tensor(run).toFloatArray();
      assertThat(reference).hasSize((size + 6) / 7);
      return IntStream.range(0, reference.length)
          .mapToObj(i -> (double) Math.abs(found[7 * i] - reference[i]))
          .toList();
    }
  }

  /** The same numbers as the script's. */
  private static float[] steady(int salt) {
    float[] values = new float[LARGE];
    for (int i = 0; i < LARGE; i++) {
      long x = (i * 2654435761L + salt * 97654321L) & 0xFFFFFFFFL;
      x = ((x ^ (x >>> 15)) * 2246822519L) & 0xFFFFFFFFL;
      float uniform = (float) ((x >>> 8) / (double) (1 << 24) - 0.5);
      values[i] = (uniform / 4 + 0.375f) * (i % 3 == 0 ? -1 : 1);
    }
    return values;
  }

  private static Path fixture() throws URISyntaxException {
    return Path.of(
        Objects.requireNonNull(
                BitsAndBytesUpdatesTest.class.getResource("bitsandbytes-cpu.safetensors"))
            .toURI());
  }
}
