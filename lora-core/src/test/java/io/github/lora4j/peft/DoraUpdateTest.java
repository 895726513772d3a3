package io.github.lora4j.peft;

import static io.github.lora4j.peft.VariantFixture.assertNear;
import static io.github.lora4j.peft.VariantFixture.distance;
import static org.assertj.core.api.Assertions.assertThat;

import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Functional;
import io.github.lora4j.tensor.Generator;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class DoraUpdateTest {

  private static final double SCALING = 3;

  private TensorScope scope;
  private VariantFixture peft;
  private Generator generator;

  @BeforeEach
  void open() {
    scope = TensorScope.open();
    peft = new VariantFixture("dora");
    generator = Generator.of(1);
  }

  @AfterEach
  void close() {
    generator.close();
    peft.close();
    scope.close();
  }

  @ParameterizedTest
  @ValueSource(strings = {"eval", "train"})
  void outputAndGradientsArePefts(String mode) {
    Tensor weight = peft.get("weight");
    Tensor bias = peft.get("bias");
    Tensor x = peft.get("x").copy().requiresGrad(true);
    Tensor a = peft.get("a").copy().requiresGrad(true);
    Tensor b = peft.get("b").copy().requiresGrad(true);
    Tensor magnitude = peft.get("magnitude").copy().requiresGrad(true);
    Tensor output = Functional.linear(x, weight, bias);
    boolean dropout = mode.equals("train");
    Tensor dropped = dropout ? x.mul(peft.get("mask")) : x;
    Tensor product =
        dropout
            ? Functional.linear(dropped, weight)
            : DoraUpdate.withoutBias(output, Optional.of(bias));

    Tensor norm = DoraUpdate.norm(weight, a, b, SCALING);
    Tensor y = DoraUpdate.forward(output, product, dropped, a, b, SCALING, magnitude, norm);
    Functional.backward(y, peft.get("dy"));

    assertNear(y, peft.get(mode + ".y"));
    assertNear(x.grad().orElseThrow(), peft.get(mode + ".dx"));
    assertNear(a.grad().orElseThrow(), peft.get(mode + ".da"));
    assertNear(b.grad().orElseThrow(), peft.get(mode + ".db"));
    assertNear(magnitude.grad().orElseThrow(), peft.get(mode + ".dm"));
  }

  @Test
  void theFirstMagnitudeIsPefts() {
    Tensor b = peft.get("b").mul(1 / 1.5);
    Tensor norm = DoraUpdate.norm(peft.get("weight"), peft.get("a"), b, SCALING);
    assertNear(norm, peft.get("first_magnitude"));
  }

  @Test
  void theMergedWeightIsPefts() {
    Tensor merged =
        DoraUpdate.mergedWeight(
            peft.get("weight"), peft.get("a"), peft.get("b"), SCALING, peft.get("magnitude"));
    assertNear(merged, peft.get("merged"));
  }

  @Test
  void anEmbeddingIsPefts() {
    Tensor weight = peft.get("embedding.weight").transpose(0, 1);
    Tensor a = peft.get("embedding.a");
    Tensor b = peft.get("embedding.b");
    Tensor magnitude = peft.get("embedding.magnitude");
    Tensor ids = peft.get("embedding.ids");
    Tensor norm = DoraUpdate.norm(weight, a, b, SCALING);
    Tensor rows = Functional.embedding(ids, peft.get("embedding.weight"));
    Tensor thin = Functional.embedding(ids, a.transpose(0, 1).contiguous());
    Tensor update = Functional.linear(thin, b).mul(SCALING);
    assertNear(DoraUpdate.embedding(rows, update, magnitude, norm), peft.get("embedding.y"));
    Tensor merged = DoraUpdate.mergedWeight(weight, a, b, SCALING, magnitude);
    assertNear(merged.transpose(0, 1), peft.get("embedding.merged"));
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F32", "BF16"})
  void whereNothingWasLearntTheOutputIsTheBasesExactly(DType dtype) {
    Tensor weight = Tensor.normal(0, 1, generator, 6, 5).to(dtype);
    Tensor x = Tensor.normal(0, 1, generator, 4, 5).to(dtype);
    Tensor a = Tensor.normal(0, 1, generator, 2, 5);
    Tensor b = Tensor.zeros(DType.F32, Device.CPU, 6, 2);
    Tensor magnitude = DoraUpdate.norm(weight, a, b, SCALING);
    Tensor output = Functional.linear(x, weight);
    Tensor y = DoraUpdate.forward(output, output, x, a, b, SCALING, magnitude, magnitude);
    assertThat(y.dtype()).isEqualTo(dtype);
    assertThat(y.equal(output)).isTrue();
    Tensor merged = DoraUpdate.mergedWeight(weight, a, b, SCALING, magnitude);
    assertThat(merged.equal(weight)).isTrue();
  }

  @Test
  void lengthsOfManyRowsAreTakenInBlocks() {
    int out = 70;
    int in = 1 << 13; // 32 rows a block
    Tensor weight = Tensor.normal(0, 1, generator, out, in).to(DType.BF16);
    Tensor a = Tensor.normal(0, 1, generator, 3, in);
    Tensor b = Tensor.normal(0, 1, generator, out, 3);
    Tensor whole = b.matmul(a).mul(SCALING).add(weight.to(DType.F32));
    Tensor expected = whole.square().sum(1, false).sqrt();
    assertThat(distance(DoraUpdate.norm(weight, a, b, SCALING), expected)).isLessThan(1e-6);
  }

  @Test
  void lengthsAreRightWhereTheUpdateTakesTheWeightAway() {
    Tensor a = Tensor.normal(0, 1, generator, 3, 50);
    Tensor b = Tensor.normal(0, 1, generator, 8, 3);
    Tensor rest = Tensor.normal(0, 1e-4, generator, 8, 50);
    Tensor weight = rest.add(b.matmul(a), -SCALING);
    Tensor expected = b.matmul(a).mul(SCALING).add(weight).square().sum(1, false).sqrt();
    assertThat(expected.max().item()).isLessThan(0.01);
    assertThat(distance(DoraUpdate.norm(weight, a, b, SCALING), expected)).isLessThan(1e-5);
  }

  @Test
  void squaresOfTheBaseAreComputedOnce() {
    Tensor weight = peft.get("weight");
    try (DoraNorm norm = new DoraNorm()) {
      Tensor squares = norm.rowSquares(weight);
      norm.invalidate();
      assertThat(norm.rowSquares(weight)).isSameAs(squares);
      Tensor a = peft.get("a");
      Tensor b = peft.get("b");
      assertThat(
              DoraUpdate.norm(weight, squares, a, b, SCALING)
                  .equal(DoraUpdate.norm(weight, a, b, SCALING)))
          .isTrue();
    }
  }

  @Test
  void aRowOfZerosStaysOne() {
    Tensor weight = Tensor.of(new float[] {0, 0, 1, 2}, 2, 2);
    Tensor a = Tensor.of(new float[] {1, 1}, 1, 2);
    Tensor b = Tensor.zeros(DType.F32, Device.CPU, 2, 1);
    Tensor magnitude = DoraUpdate.norm(weight, a, b, SCALING);
    Tensor x = Tensor.of(new float[] {1, 1}, 1, 2);
    Tensor output = Functional.linear(x, weight);
    Tensor y = DoraUpdate.forward(output, output, x, a, b, SCALING, magnitude, magnitude);
    assertThat(y.toFloatArray()).containsExactly(0, 3);
    Tensor merged = DoraUpdate.mergedWeight(weight, a, b, SCALING, magnitude);
    assertThat(merged.toFloatArray()).containsExactly(0, 0, 1, 2);
  }

  @Test
  void lengthsAreKeptUntilSomethingIsTrained() {
    int[] computed = {0};
    try (DoraNorm norm = new DoraNorm()) {
      for (boolean training : new boolean[] {false, false, true, true, false, false}) {
        norm.get(training, () -> Tensor.full(++computed[0], DType.F32, Device.CPU, 1));
      }
      assertThat(computed[0]).isEqualTo(4);
      norm.invalidate();
      Tensor again = norm.get(false, () -> Tensor.full(9, DType.F32, Device.CPU, 1));
      assertThat(again.item()).isEqualTo(9);
    }
  }
}
