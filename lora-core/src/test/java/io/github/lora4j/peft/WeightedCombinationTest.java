package io.github.lora4j.peft;

import static io.github.lora4j.peft.VariantFixture.assertNear;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Generator;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class WeightedCombinationTest {

  private static final CombinationOptions DENSE = CombinationOptions.DEFAULT.withDensity(0.6);

  private TensorScope scope;
  private VariantFixture peft;
  private List<WeightedUpdate> three;
  private List<WeightedUpdate> two;

  @BeforeEach
  void open() {
    scope = TensorScope.open();
    peft = new VariantFixture("combine");
    three = List.of(update("a", 3, 0.7), update("b", 1.5, -1.2), update("c", 1, 0.4));
    two = three.subList(0, 2);
  }

  @AfterEach
  void close() {
    peft.close();
    scope.close();
  }

  private WeightedUpdate update(String name, double scaling, double weight) {
    return new WeightedUpdate(peft.get(name + ".A"), peft.get(name + ".B"), scaling, weight);
  }

  private static CombinedUpdate combine(
      CombinationType type, CombinationOptions options, List<WeightedUpdate> updates) {
    try (WeightedCombination combination = new WeightedCombination(type, options)) {
      return combination.combine("layer", updates);
    }
  }

  private static Tensor product(CombinedUpdate update) {
    return update.b().matmul(update.a());
  }

  private static Tensor sum(List<WeightedUpdate> updates) {
    Tensor sum = Tensor.zeros(DType.F32, Device.CPU, 5, 7);
    updates.forEach(u -> sum.addInPlace(u.b().matmul(u.a()), u.factor()));
    return sum;
  }

  @ParameterizedTest
  @CsvSource({"linear, 0.5", "cat, 0.5", "ties, 0.5", "magnitude_prune, 0.4"})
  void factorsArePefts(String type, double density) {
    CombinationOptions options = CombinationOptions.DEFAULT.withDensity(density);
    CombinedUpdate found =
        combine(CombinationType.of(type), options, type.equals("cat") ? three : two);
    assertNear(found.a(), peft.get(type + "/A"));
    assertNear(found.b(), peft.get(type + "/B"));
  }

  @ParameterizedTest
  @CsvSource({"svd, 1, 4", "ties_svd, 0.5, 2", "magnitude_prune_svd, 0.3, 2"})
  void decompositionsArePeftsUpToSigns(String type, double density, int rank) {
    CombinationOptions options = CombinationOptions.DEFAULT.withDensity(density);
    CombinedUpdate found =
        combine(CombinationType.of(type), options, type.equals("svd") ? three : two);
    assertThat(found.rank()).isEqualTo(rank);
    assertNear(product(found), peft.get(type + "/B").matmul(peft.get(type + "/A")));
    assertNear(found.a().abs(), peft.get(type + "/A").abs());
    assertNear(found.b().abs(), peft.get(type + "/B").abs());
  }

  @Test
  void theRankOfADecompositionCanBeChosen() {
    CombinedUpdate found =
        combine(CombinationType.SVD, CombinationOptions.DEFAULT.withSvdRank(3), two);
    assertThat(found.rank()).isEqualTo(3);
    assertNear(product(found), peft.get("svd.rank/B").matmul(peft.get("svd.rank/A")));
    // Two of rank 2 make no more than 4.
    CombinationOptions more = CombinationOptions.DEFAULT.withSvdRank(5);
    CombinedUpdate whole = combine(CombinationType.SVD, more, two);
    assertThat(whole.rank()).isEqualTo(4);
    assertNear(product(whole), sum(two));
  }

  @Test
  void signsCanBeCountedInsteadOfSummed() {
    CombinationOptions options =
        CombinationOptions.DEFAULT
            .withDensity(0.7)
            .withMajoritySignMethod(MajoritySignMethod.FREQUENCY);
    CombinedUpdate ties = combine(CombinationType.TIES, options, two);
    assertNear(ties.a(), peft.get("ties.frequency/A"));
    assertNear(ties.b(), peft.get("ties.frequency/B"));
    CombinedUpdate svd = combine(CombinationType.TIES_SVD, options, two);
    assertNear(
        product(svd), peft.get("ties_svd.frequency/B").matmul(peft.get("ties_svd.frequency/A")));
  }

  @ParameterizedTest
  @ValueSource(strings = {"dare_linear", "dare_ties"})
  void withPeftsSeedTheSameElementsAreDrawn(String type) {
    List<Tensor> tensors = List.of(peft.get("a.A"), peft.get("b.A"));
    try (Generator generator = Generator.of(5)) {
      TaskArithmetic arithmetic = new TaskArithmetic(CombinationType.of(type), DENSE, generator);
      assertNear(arithmetic.combine(tensors, new double[] {0.7, -1.2}), peft.get(type));
    }
  }

  @Test
  void thinFactorsGiveTheDecompositionOfTheWhole() {
    CombinedUpdate whole =
        combine(CombinationType.SVD, CombinationOptions.DEFAULT.withSvdRank(5), three);
    assertNear(product(whole), sum(three));
    assertNear(
        product(combine(CombinationType.CAT, CombinationOptions.DEFAULT, three)), sum(three));
  }

  @ParameterizedTest
  @EnumSource(
      value = CombinationType.class,
      names = {"CAT", "LINEAR"},
      mode = EnumSource.Mode.EXCLUDE)
  void withNothingPrunedADecompositionOfOneIsThatAdapter(CombinationType type) {
    List<WeightedUpdate> one = List.of(update("a", 3, -0.5));
    CombinationOptions options = CombinationOptions.DEFAULT.withDensity(1);
    assertNear(product(combine(type, options, one)), sum(one));
  }

  @ParameterizedTest
  @EnumSource(
      value = CombinationType.class,
      names = {"DARE_LINEAR", "DARE_TIES", "DARE_LINEAR_SVD", "DARE_TIES_SVD"})
  void drawsRepeatWithTheSeedAndDifferWithoutIt(CombinationType type) {
    CombinedUpdate first = combine(type, DENSE.withSeed(1), two);
    assertThat(combine(type, DENSE.withSeed(1), two).a().equal(first.a())).isTrue();
    assertThat(combine(type, DENSE.withSeed(2), two).a().equal(first.a())).isFalse();
  }

  @Test
  void onAverageDrawingChangesNothing() {
    Tensor sum = Tensor.zeros(DType.F32, Device.CPU, 5, 7);
    CombinationOptions all = DENSE.withSvdRank(5);
    int draws = 2000;
    for (int seed = 0; seed < draws; seed++) {
      try (TensorScope one = TensorScope.open()) {
        CombinationOptions options = all.withSeed(seed);
        sum.addInPlace(
            product(combine(CombinationType.DARE_LINEAR_SVD, options, two)), 1.0 / draws);
      }
    }
    assertThat(VariantFixture.distance(sum, sum(two))).isLessThan(0.1);
  }

  @Test
  void largeElementsOfADecompositionAreCutAtTheQuantile() {
    CombinedUpdate whole = combine(CombinationType.SVD, CombinationOptions.DEFAULT, two);
    CombinedUpdate cut =
        combine(CombinationType.SVD, CombinationOptions.DEFAULT.withSvdClamp(0.8), two);
    List<Float> elements = new ArrayList<>();
    for (Tensor tensor : List.of(whole.a(), whole.b())) {
      for (float element : tensor.toFloatArray()) {
        elements.add(element);
      }
    }
    elements.sort(null);
    double place = 0.8 * (elements.size() - 1);
    float below = elements.get((int) place);
    double high = below + (place - (int) place) * (elements.get((int) place + 1) - below);
    assertNear(cut.a(), whole.a().clamp(-high, high));
    assertNear(cut.b(), whole.b().clamp(-high, high));
    assertThat(cut.b().equal(whole.b())).isFalse();
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void theAlphaOfTheResultGivesAScalingOfOne(boolean rslora) {
    int rank = combine(CombinationType.CAT, CombinationOptions.DEFAULT, three).rank();
    assertThat(rank).isEqualTo(8);
    double scaling = CombinedUpdate.alpha(rank, rslora) / (rslora ? Math.sqrt(rank) : rank);
    assertThat(scaling).isEqualTo(1);
  }

  @ParameterizedTest
  @ValueSource(strings = {"linear", "ties", "dare_linear", "dare_ties", "magnitude_prune"})
  void ranksMustBeEqualWhereFactorsAreSummed(String type) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> combine(CombinationType.of(type), DENSE, three))
        .withMessageContaining("layer: " + type)
        .withMessageContaining("[2, 2, 4]");
  }

  @Test
  void whatIsMissingOrOutOfRangeIsNamed() {
    CombinationOptions none = CombinationOptions.DEFAULT;
    assertThatIllegalArgumentException()
        .isThrownBy(() -> combine(CombinationType.TIES, none, two))
        .withMessageContaining("density");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> combine(CombinationType.DARE_TIES, none.withDensity(0), two))
        .withMessageContaining("density");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> combine(CombinationType.CAT, none, List.of()))
        .withMessageContaining("layer");
    assertThatIllegalArgumentException().isThrownBy(() -> none.withDensity(1.1));
    assertThatIllegalArgumentException().isThrownBy(() -> none.withSvdRank(0));
    assertThatIllegalArgumentException().isThrownBy(() -> none.withSvdClamp(0));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> CombinationType.of("average"))
        .withMessageContaining("average")
        .withMessageContaining("svd, linear, cat");
    assertThat(CombinationType.SVD.forAdapters(1)).isEqualTo(CombinationType.LINEAR);
    assertThat(CombinationType.SVD.forAdapters(2)).isEqualTo(CombinationType.SVD);
  }
}
