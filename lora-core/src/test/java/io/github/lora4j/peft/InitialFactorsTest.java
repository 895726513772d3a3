package io.github.lora4j.peft;

import static io.github.lora4j.peft.VariantFixture.NEAR;
import static io.github.lora4j.peft.VariantFixture.assertNear;
import static io.github.lora4j.peft.VariantFixture.distance;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Generator;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class InitialFactorsTest {

  private TensorScope scope;
  private VariantFixture peft;
  private Generator generator;

  @BeforeEach
  void open() {
    scope = TensorScope.open();
    peft = new VariantFixture("init");
    generator = Generator.of(7);
  }

  @AfterEach
  void close() {
    generator.close();
    peft.close();
    scope.close();
  }

  private InitialFactors begin(String how, Tensor weight, int r, double scaling) {
    InitLoraWeights init = InitLoraWeights.of(how);
    return switch (init.method()) {
      case PISSA -> DecomposedInit.pissa("layer", weight, r, scaling);
      case PISSA_NITER ->
          DecomposedInit.pissaNiter("layer", weight, r, scaling, init.iterations(), generator);
      case OLORA -> DecomposedInit.olora("layer", weight, r, scaling);
      default -> throw new AssertionError(init);
    };
  }

  private static Tensor whole(InitialFactors found, double scaling) {
    return found.weight().orElseThrow().to(DType.F32).add(found.b().matmul(found.a()), scaling);
  }

  @ParameterizedTest
  @CsvSource({
    "tall, pissa", "tall, pissa_niter_3", "tall, olora",
    "wide, pissa", "wide, pissa_niter_3", "wide, olora"
  })
  void whatPeftTakesOutOfAWeightIsTakenOut(String shape, String how) {
    double scaling = shape.equals("tall") ? 3 : 6 / Math.sqrt(2); // the latter is rsLoRA's
    Tensor weight = peft.get(shape + ".weight");
    InitialFactors found = begin(how, weight, 2, scaling);
    String key = shape + "." + how;
    // The signs of singular vectors are anyone's choice: the product is the same.
    assertNear(found.b().matmul(found.a()), peft.get(key + ".b").matmul(peft.get(key + ".a")));
    assertNear(found.a().abs(), peft.get(key + ".a").abs());
    assertNear(found.b().abs(), peft.get(key + ".b").abs());
    assertNear(found.weight().orElseThrow(), peft.get(key + ".weight"));
    assertNear(whole(found, scaling), weight);
  }

  @ParameterizedTest
  @ValueSource(strings = {"pissa", "pissa_niter_8", "olora"})
  void inHalfPrecisionFactorsAreFloatsAndTheWeightIsRounded(String how) {
    Tensor weight = Tensor.normal(0, 1, generator, 6, 8).to(DType.BF16);
    InitialFactors found = begin(how, weight, 3, 2);
    assertThat(found.a().dtype()).isEqualTo(DType.F32);
    assertThat(found.b().dtype()).isEqualTo(DType.F32);
    assertThat(found.weight().orElseThrow().dtype()).isEqualTo(DType.BF16);
    assertThat(distance(whole(found, 2), weight.to(DType.F32))).isLessThan(1.0 / 256);
  }

  @ParameterizedTest
  @ValueSource(strings = {"pissa", "pissa_niter_2", "olora"})
  void aRankTheWeightHasNotIsRefused(String how) {
    Tensor weight = Tensor.normal(0, 1, generator, 6, 4);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> begin(how, weight, 5, 1))
        .withMessageContaining("layer")
        .withMessageContaining("\"" + how + "\"")
        .withMessageContaining("r = 5")
        .withMessageContaining("[6, 4]");
    begin(how, weight, 4, 1);
    Tensor bytes = weight.to(DType.U8);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> begin(how, bytes, 2, 1))
        .withMessageContaining("U8");
  }

  @Test
  void aScalingThatIsNotPositiveHasNoRoot() {
    Tensor weight = Tensor.normal(0, 1, generator, 6, 4);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> begin("pissa", weight, 2, 0))
        .withMessageContaining("scaling");
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 4, 16})
  void orthogonalFactorsAreNotZeroButTheirProductIs(int r) {
    InitialFactors found = OrthogonalInit.of("layer", r, 12, 9, generator);
    assertThat(found.a().shape()).containsExactly(r, 12);
    assertThat(found.b().shape()).containsExactly(9, r);
    assertThat(found.weight()).isEmpty();
    assertThat(found.b().matmul(found.a()).abs().max().item()).isLessThan(1e-6);
    // Rows of A are combinations of r / 2 orthonormal ones, drawn with a deviation of 1 / 10.
    double ofA = found.a().square().mean().item();
    double ofB = found.b().square().mean().item();
    assertThat(ofA).isBetween(0.001, 0.02);
    assertThat(ofB).isBetween(0.001, 0.02);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> OrthogonalInit.of("layer", r + 1, 12, 9, generator))
        .withMessageContaining("even");
  }

  @Test
  void loftqMakesUpForWhatQuantizingLost() {
    Tensor weight = Tensor.normal(0, 1, generator, 6, 5).to(DType.BF16);
    double scaling = 1.5;
    double lost = distance(weight.sign().to(DType.F32), weight.to(DType.F32));
    InitialFactors some = LoftqInit.replacing("layer", weight, weight.sign(), 2, scaling);
    assertThat(some.weight()).isEmpty();
    assertThat(distance(repaired(weight, some, scaling), weight.to(DType.F32))).isLessThan(lost);
    // With its whole rank the adapter makes up for everything.
    InitialFactors all = LoftqInit.replacing("layer", weight, weight.sign(), 5, scaling);
    assertThat(distance(repaired(weight, all, scaling), weight.to(DType.F32))).isLessThan(NEAR);
  }

  private static Tensor repaired(Tensor weight, InitialFactors factors, double scaling) {
    return weight.sign().to(DType.F32).add(factors.b().matmul(factors.a()), scaling);
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aTrainedAdapterBecomesOneForTheOriginalBase(boolean rslora) {
    int r = 2;
    double alpha = 6;
    double scaling = alpha / (rslora ? Math.sqrt(r) : r);
    Tensor weight = Tensor.normal(0, 1, generator, 6, 5);
    InitialFactors first = DecomposedInit.pissa("layer", weight, r, scaling);
    Tensor a = first.a().add(Tensor.normal(0, 1, generator, r, 5));
    Tensor b = first.b().add(Tensor.normal(0, 1, generator, 6, r));
    Tensor trained = first.weight().orElseThrow().add(b.matmul(a), scaling);

    int rank = PlainLoraConversion.rank(r);
    double newAlpha = PlainLoraConversion.alpha(alpha, rslora);
    double newScaling = newAlpha / (rslora ? Math.sqrt(rank) : rank);
    Tensor newA = PlainLoraConversion.a(a, first.a());
    Tensor newB = PlainLoraConversion.b(b, first.b());
    assertThat(newA.shape()).containsExactly(rank, 5);
    assertNear(weight.add(newB.matmul(newA), newScaling), trained);
  }
}
