package io.github.lora4j.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.lora4j.error.UnsupportedModelException;
import io.github.lora4j.io.SafeTensors;
import io.github.lora4j.peft.PeftModel;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import io.github.lora4j.testing.FamilyCase;
import io.github.lora4j.testing.Fixtures;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every family against what transformers and PEFT compute: src/test/python/make_family_fixtures.py.
 * A folder of src/test/resources/families is a case; one named {@code <family>-<what>} is a
 * variant, of which the base alone is compared.
 */
class FamilyParityTest {

  private static final Path FIXTURES = Fixtures.path("/families");

  /** Variants that transformers computes and LoRA4J refuses, with a word of the message. */
  private static final Map<String, String> REFUSED =
      Map.of("falcon-alibi", "alibi", "opt-bare", "layer_norm_elementwise_affine");

  private static final double TOLERANCE = 1e-4;

  /** Gradients of single tensors may be small sums of large numbers. */
  private static final double GRADIENT_TOLERANCE = 1e-3;

  /** Where rounding may move an activation over the kink of a ReLU. */
  private static final double KINKED_TOLERANCE = 1e-2;

  @TempDir private static Path work;

  @TempDir private Path out;

  @BeforeAll
  static void makeWeights() {
    FamilyCase.in(FIXTURES).forEach(parity -> parity.expandedInto(work));
  }

  static Stream<FamilyCase> built() {
    return FamilyCase.in(work).stream().filter(parity -> !REFUSED.containsKey(parity.name()));
  }

  static Stream<FamilyCase> families() {
    return built().filter(parity -> parity.has("adapters"));
  }

  @Test
  void everyFamilyHasItsCase() {
    List<String> known = ModelFamilies.modelTypes();
    assertThat(families().map(FamilyCase::modelType).collect(Collectors.toSet()))
        .as("a line in src/test/python/family_cases.py and a folder of resources/families")
        .containsAll(known);
    assertThat(known).containsAll(built().map(FamilyCase::modelType).collect(Collectors.toSet()));
  }

  @Test
  void whatIsNotBuiltIsRefused() {
    for (FamilyCase parity : FamilyCase.in(work)) {
      if (REFUSED.containsKey(parity.name())) {
        assertThatThrownBy(() -> AutoModelForCausalLM.fromPretrained(parity.base()).close())
            .as(parity.name())
            .isInstanceOf(UnsupportedModelException.class)
            .hasMessageContaining(REFUSED.get(parity.name()));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("built")
  void scoresAreThoseOfTransformers(FamilyCase parity) {
    assertSmall(FamilyChecks.logits(parity), TOLERANCE);
  }

  @ParameterizedTest
  @MethodSource("built")
  void anOlderConfigDescribesTheSameModel(FamilyCase parity) {
    assertThat(FamilyChecks.olderConfig(parity)).isZero();
  }

  @ParameterizedTest
  @MethodSource("built")
  void greedyTokensAreThoseOfTransformers(FamilyCase parity) {
    assertSmall(FamilyChecks.greedy(parity), 0);
  }

  @ParameterizedTest
  @MethodSource("families")
  void scoresOfLabelsAreThoseOfTransformers(FamilyCase parity) {
    assumeTrue(parity.has("seqcls"), "transformers has no classifier of this family");
    assertThat(FamilyChecks.seqcls(parity)).isLessThan(TOLERANCE);
  }

  @ParameterizedTest
  @MethodSource("families")
  void adaptersGiveWhatPeftGives(FamilyCase parity) {
    for (String kind : parity.adapterKinds()) {
      Map<String, Double> found = FamilyChecks.adapter(parity, kind);
      assertThat(found.get("disabled")).as("%s, disabled", kind).isZero();
      assertSmall(found, TOLERANCE);
    }
  }

  @ParameterizedTest
  @MethodSource("families")
  void whatIsWrittenHasTheNamesShapesAndNumbersOfTheOriginal(FamilyCase parity) {
    try (CausalLM base = AutoModelForCausalLM.fromPretrained(parity.base())) {
      base.savePretrained(out.resolve("base"));
      for (String kind : parity.adapterKinds()) {
        try (PeftModel<CausalLM> peft =
            PeftModel.fromPretrained(base, parity.at("adapters/" + kind))) {
          peft.savePretrained(out.resolve(kind));
        }
        assertSameFile("adapters/" + kind, kind, "adapter_model.safetensors", parity);
      }
    }
    assertSameFile("base", "base", "model.safetensors", parity);
  }

  private void assertSameFile(String original, String written, String file, FamilyCase parity) {
    try (SafeTensors before = SafeTensors.open(parity.at(original).resolve(file));
        SafeTensors after = SafeTensors.open(out.resolve(written).resolve(file));
        TensorScope scope = TensorScope.open()) {
      assertThat(after.names()).containsExactlyInAnyOrderElementsOf(before.names());
      for (String name : before.names()) {
        Tensor expected = before.tensor(name);
        assertThat(after.tensor(name).shape()).as(name).isEqualTo(expected.shape());
        assertThat(after.tensor(name).equal(expected)).as(name).isTrue();
      }
    }
  }

  @ParameterizedTest
  @MethodSource("families")
  void aMergedModelIsReadAgain(FamilyCase parity) {
    for (String kind : parity.adapterKinds()) {
      Path merged = out.resolve(kind);
      float[] scores = FamilyChecks.writeMerged(parity, kind, merged);
      try (CausalLM model = AutoModelForCausalLM.fromPretrained(merged)) {
        assertThat(FamilyChecks.last(model, parity.batch())).isEqualTo(scores);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("families")
  void everyWayThroughAStepGivesTheSameGradients(FamilyCase parity) {
    for (String kind : parity.adapterKinds()) {
      assertSmall(FamilyChecks.gradients(parity, kind), gradientTolerance(parity));
    }
  }

  @ParameterizedTest
  @MethodSource("families")
  void trainingGivesTheCurvesAndTheAdapterOfPeft(FamilyCase parity) {
    for (FamilyTraining.Way way : FamilyTraining.Way.values()) {
      Map<String, Double> found = FamilyTraining.run(parity, way, out.resolve(way.name()));
      assertThat(found.get("loss")).as("%s, loss", way).isLessThan(TOLERANCE);
      assertSmall(found, gradientTolerance(parity));
    }
  }

  private static double gradientTolerance(FamilyCase parity) {
    return parity.isKinked() ? KINKED_TOLERANCE : GRADIENT_TOLERANCE;
  }

  private static void assertSmall(Map<String, Double> differences, double limit) {
    assertThat(differences)
        .allSatisfy((what, difference) -> assertThat(difference).as(what).isBetween(0.0, limit));
  }
}
