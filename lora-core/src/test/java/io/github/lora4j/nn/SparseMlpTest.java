package io.github.lora4j.nn;

import static io.github.lora4j.testing.Fixtures.relativeDifference;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Functional;
import io.github.lora4j.tensor.Generator;
import io.github.lora4j.tensor.NoGrad;
import io.github.lora4j.tensor.Tape;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SparseMlpTest {

  private static final int HIDDEN = 12;
  private static final int WIDE = 10;
  private static final int EXPERTS = 5;

  private TensorScope scope;
  private Generator random;

  @BeforeEach
  void open() {
    scope = TensorScope.open();
    random = Generator.of(5);
  }

  @AfterEach
  void close() {
    random.close();
    scope.close();
  }

  private Tensor normal(long... shape) {
    return Tensor.normal(0, 0.5, random, shape);
  }

  private SparseMlp mlp(int perToken, boolean normalised, DType dtype) {
    return new SparseMlp(
        new DenseLinear("gate", normal(EXPERTS, HIDDEN).to(dtype), Optional.empty()),
        new StackedLinear("gate_up_proj", normal(EXPERTS, 2 * WIDE, HIDDEN).to(dtype)),
        new StackedLinear("down_proj", normal(EXPERTS, HIDDEN, WIDE).to(dtype)),
        Activation.SILU,
        perToken,
        normalised);
  }

  /** All experts for all tokens, weighted with zero where a token doesn't go. */
  private static Tensor everyExpert(SparseMlp mlp, Tensor x) {
    Tensor rows = x.reshape(-1, HIDDEN);
    Tensor scores = Functional.linear(rows, ((DenseLinear) mlp.router()).weight());
    Tensor probabilities = Functional.softmax(scores, -1);
    int tokens = (int) rows.size(0);
    int[] best = Routing.best(scores.toFloatArray(), EXPERTS, mlp.perToken());
    float[] weights = new float[tokens * EXPERTS];
    float[] all = probabilities.toFloatArray();
    for (int token = 0; token < tokens; token++) {
      float sum = 0;
      for (int k = 0; k < mlp.perToken(); k++) {
        sum += all[token * EXPERTS + best[token * mlp.perToken() + k]];
      }
      for (int k = 0; k < mlp.perToken(); k++) {
        int place = token * EXPERTS + best[token * mlp.perToken() + k];
        weights[place] = all[place] / (mlp.normalised() ? sum : 1);
      }
    }
    Tensor weight = Tensor.of(weights, tokens, EXPERTS);
    Tensor sum = rows.mul(0);
    for (int expert = 0; expert < EXPERTS; expert++) {
      Tensor both =
          Functional.linear(rows, ((StackedLinear) mlp.gateUp()).weight().select(0, expert));
      Tensor gated = Functional.silu(both.narrow(-1, 0, WIDE)).mul(both.narrow(-1, WIDE, WIDE));
      Tensor y = Functional.linear(gated, ((StackedLinear) mlp.down()).weight().select(0, expert));
      sum = sum.add(y.mul(weight.narrow(1, expert, 1)));
    }
    return sum.view(x.shape());
  }

  @ParameterizedTest
  @CsvSource({"1, true", "2, true", "2, false", "5, false"})
  void aTokenGetsTheWeightedSumOfItsExperts(int perToken, boolean normalised) {
    SparseMlp mlp = mlp(perToken, normalised, DType.F32);
    Tensor x = normal(2, 7, HIDDEN);
    Tensor expected = everyExpert(mlp, x);
    assertThat(relativeDifference(mlp.forward(x, ForwardContext.eval()), expected))
        .isLessThan(1e-5);
    try (NoGrad noGrad = NoGrad.open()) {
      assertThat(relativeDifference(mlp.forward(x, ForwardContext.eval()), expected))
          .isLessThan(1e-5);
      Tensor one = x.narrow(1, 3, 1).narrow(0, 1, 1);
      assertThat(
              relativeDifference(
                  mlp.forward(one, ForwardContext.eval()),
                  expected.narrow(1, 3, 1).narrow(0, 1, 1)))
          .isLessThan(1e-5);
    }
  }

  private List<Tensor> gradients(SparseMlp mlp, Tensor input, Tensor dy, boolean fused) {
    List<Tensor> leaves = new ArrayList<>();
    Tensor x = input.detach().requiresGrad(true);
    leaves.add(x);
    mlp.forEachParameter((name, parameter) -> leaves.add(parameter));
    leaves.forEach(Tensor::clearGrad);
    if (fused) {
      try (Tape tape = Tape.open()) {
        tape.backward(mlp.forward(x.mul(1), ForwardContext.eval()), dy);
      }
    } else {
      Functional.backward(mlp.forward(x.mul(1), ForwardContext.eval()), dy);
    }
    return leaves.stream().filter(Tensor::requiresGrad).map(t -> t.grad().orElseThrow()).toList();
  }

  @ParameterizedTest
  @CsvSource({
    "1, true, false",
    "2, true, false",
    "3, false, false",
    "2, true, true",
    "3, false, true"
  })
  void theGradientWrittenByHandIsThatOfLibtorch(int perToken, boolean normalised, boolean learns) {
    SparseMlp mlp = mlp(perToken, normalised, DType.F32);
    mlp.forEachParameter((name, parameter) -> parameter.requiresGrad(learns));
    Tensor x = normal(2, 9, HIDDEN);
    Tensor dy = normal(2, 9, HIDDEN);
    List<Tensor> plain = gradients(mlp, x, dy, false);
    List<Tensor> fused = gradients(mlp, x, dy, true);
    assertThat(fused).hasSameSizeAs(plain).hasSize(learns ? 4 : 1);
    for (int i = 0; i < plain.size(); i++) {
      if (perToken == 1 && normalised && i == 1) {
        continue; // The weight of a single expert is 1 whatever the router says.
      }
      assertThat(relativeDifference(fused.get(i), plain.get(i))).as("%d", i).isLessThan(1e-5);
    }
  }

  @Test
  void expertsThatNoTokenGoesToHaveAGradientOfZero() {
    SparseMlp mlp = mlp(1, false, DType.F32);
    mlp.forEachParameter((name, parameter) -> parameter.requiresGrad(true));
    List<Tensor> gradients = gradients(mlp, normal(1, 1, HIDDEN), normal(1, 1, HIDDEN), true);
    int used = 0;
    for (int expert = 0; expert < EXPERTS; expert++) {
      used += gradients.get(2).select(0, expert).abs().max().item() > 0 ? 1 : 0;
    }
    assertThat(used).isEqualTo(1);
  }

  @Test
  void bfloat16StaysNearFloat32() {
    SparseMlp mlp = mlp(2, true, DType.BF16);
    SparseMlp wide =
        new SparseMlp(
            new DenseLinear(
                "gate", ((DenseLinear) mlp.router()).weight().to(DType.F32), Optional.empty()),
            new StackedLinear("g", ((StackedLinear) mlp.gateUp()).weight().to(DType.F32)),
            new StackedLinear("d", ((StackedLinear) mlp.down()).weight().to(DType.F32)),
            mlp.activation(),
            2,
            true);
    Tensor x = normal(1, 6, HIDDEN).to(DType.BF16);
    Tensor y = mlp.forward(x, ForwardContext.eval());
    assertThat(y.dtype()).isEqualTo(DType.BF16);
    assertThat(relativeDifference(y, wide.forward(x.to(DType.F32), ForwardContext.eval())))
        .isLessThan(0.03);
  }

  @Test
  void theBestAreFoundInOrderAndNeverTwice() {
    float nan = Float.NaN;
    assertThat(Routing.best(new float[] {1, 3, 2, 3, 0, 5, -1, 5}, 4, 3))
        .containsExactly(1, 3, 2, 1, 3, 0);
    assertThat(Routing.best(new float[] {1, nan, 2}, 3, 2)).doesNotHaveDuplicates();
    assertThat(Routing.best(new float[] {nan, nan, nan}, 3, 3)).containsExactlyInAnyOrder(0, 1, 2);
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void sharedPartsOutliveTheFirstOwner(boolean through) {
    SparseMlp mlp = mlp(2, true, DType.F32);
    Tensor x = normal(1, 4, HIDDEN);
    Tensor expected = mlp.forward(x, ForwardContext.eval());
    LayerChange nothing = layer -> layer;
    try (SparseMlp shared = mlp.shareWith(nothing)) {
      if (through) {
        assertThat(mlp.withLinears(nothing).gateUp()).isSameAs(mlp.gateUp());
      }
      mlp.close();
      assertThat(shared.forward(x, ForwardContext.eval()).equal(expected)).isTrue();
    }
  }

  @Test
  void stacksHaveThreeDimensions() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new StackedLinear("w", normal(2, 3)))
        .withMessageContaining("w: expected [experts, out, in]");
  }
}
