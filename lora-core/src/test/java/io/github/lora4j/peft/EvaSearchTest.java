package io.github.lora4j.peft;

import static io.github.lora4j.peft.VariantFixture.NEAR;
import static io.github.lora4j.peft.VariantFixture.assertNear;
import static io.github.lora4j.peft.VariantFixture.distance;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import io.github.lora4j.error.LoraException;
import io.github.lora4j.nn.DenseLinear;
import io.github.lora4j.nn.ForwardContext;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Generator;
import io.github.lora4j.tensor.LinearAlgebra;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class EvaSearchTest {

  private static final List<EvaLayer> THREE =
      List.of(new EvaLayer("one", 8, 2), new EvaLayer("two", 8, 2), new EvaLayer("three", 6, 2));

  private TensorScope scope;
  private VariantFixture peft;

  @BeforeEach
  void open() {
    scope = TensorScope.open();
    peft = new VariantFixture("eva");
  }

  @AfterEach
  void close() {
    peft.close();
    scope.close();
  }

  private List<Integer> batches() {
    return IntStream.range(0, 10).filter(i -> peft.has("one." + i)).boxed().toList();
  }

  private Map<String, Tensor> search(EvaConfig config) {
    return new EvaSearch<Integer>(
            config,
            THREE,
            (batch, inputs) -> {
              for (EvaLayer layer : THREE) {
                if (inputs.wants(layer.name())) {
                  String source = layer.name().equals("two") ? "one" : layer.name();
                  inputs.see(layer.name(), peft.get(source + "." + batch));
                }
              }
            })
        .run(batches());
  }

  @Test
  void directionsAndRanksArePefts() {
    Map<String, Tensor> found = search(EvaConfig.DEFAULT);
    assertThat(found.keySet()).containsExactly("one", "two", "three");
    assertThat(found.get("three").size(0)).isEqualTo(4);
    found.forEach((layer, a) -> assertNear(a, peft.get("plain." + layer)));
  }

  @Test
  void whitenedDirectionsArePefts() {
    Map<String, Tensor> found = search(new EvaConfig(1, 0.99, true, -100, true, true));
    assertNear(found.get("three"), peft.get("rho1.three"));
    // PEFT whitens vectors that layers share once for each of them. Ours are whitened once.
    Tensor one = found.get("one");
    Tensor twice = one.mul(LinearAlgebra.norm(one, 1).unsqueeze(1));
    assertNear(twice, peft.get("rho1.one"));
    assertThat(found.get("two").equal(one)).isTrue();
  }

  @Test
  void aLayerWhoseDirectionsExplainNothingGetsNoRank() {
    Map<String, double[]> ratios = new LinkedHashMap<>();
    ratios.put("a", new double[] {0.5, 0.4});
    ratios.put("b", new double[] {0.01, 0.009});
    ratios.put("c", new double[] {0.6, 0.39});
    assertThat(EvaRanks.share(ratios, Map.of(), 4)).isEqualTo(Map.of("a", 2, "b", 0, "c", 2));
    // Five are more than a and c have.
    assertThat(EvaRanks.share(ratios, Map.of(), 5)).isEqualTo(Map.of("a", 2, "b", 1, "c", 2));
    assertThat(EvaRanks.share(ratios, Map.of(), 50)).isEqualTo(Map.of("a", 2, "b", 2, "c", 2));
  }

  @Test
  void ofLayersWithOneInputTheFirstGetsTheMost() {
    Map<String, double[]> ratios = new LinkedHashMap<>();
    ratios.put("b", new double[] {0.5});
    ratios.put("a", new double[] {0.5, 0.4});
    assertThat(EvaRanks.share(ratios, Map.of("a", "b"), 3)).isEqualTo(Map.of("b", 2, "a", 1));
  }

  @Test
  void inBatchesTheDirectionsAreThoseOfAllRows() {
    List<Tensor> rows = new ArrayList<>();
    try (Generator generator = Generator.of(1);
        IncrementalPca pca = new IncrementalPca(3)) {
      // Rank 3 but for the mean: nothing is cut off on the way.
      Tensor mix = Tensor.normal(0, 1, generator, 3, 7);
      for (int n : new int[] {5, 9, 4}) {
        Tensor batch = Tensor.normal(1, 2, generator, n, 3).matmul(mix);
        rows.add(batch);
        pca.fit(batch);
      }
      Tensor all = Tensor.cat(rows, 0);
      Tensor centred = all.add(all.mean(0, true), -1);
      LinearAlgebra.Svd whole = LinearAlgebra.svd(centred).first(3);
      assertNear(pca.singularValues().to(DType.F32), whole.s());
      Tensor same = pca.components().to(DType.F32).mul(whole.vh()).sum(1, false).abs();
      assertThat(same.toDoubleArray()).containsExactly(new double[] {1, 1, 1}, within(NEAR));
      double sum = 0;
      for (double ratio : pca.explainedVarianceRatios()) {
        sum += ratio;
      }
      assertThat(sum).isCloseTo(1, within(NEAR));
    }
  }

  @Test
  void whatNeverSettlesEndsWithAnError() {
    try (Generator generator = Generator.of(1)) {
      EvaSearch<Integer> noise =
          new EvaSearch<>(
              EvaConfig.DEFAULT,
              List.of(new EvaLayer("layer", 4, 2)),
              (batch, inputs) -> inputs.see("layer", Tensor.normal(0, 1, generator, 3, 4)));
      assertThatExceptionOfType(LoraException.class)
          .isThrownBy(() -> noise.run(List.of(1)))
          .withMessageContaining("[layer]")
          .withMessageContaining("fewer rows")
          .withMessageContaining("tau");
      assertThatIllegalArgumentException().isThrownBy(() -> noise.run(List.of()));
    }
  }

  @Test
  void configurationsAreChecked() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new EvaConfig(0.5, 0.99, true, -100, false, true))
        .withMessageContaining("rho");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new EvaConfig(2, 1.5, true, -100, false, true))
        .withMessageContaining("tau");
  }

  @Test
  void patternsHoldWhatDiffers() {
    Map<String, Integer> ranks = Map.of("a", 8, "b", 4);
    RankPatterns combined = RankPatterns.ofScalingOne(8, ranks, false);
    assertThat(combined.rankPattern()).isEqualTo(Map.of("b", 4));
    assertThat(combined.alphaPattern()).isEqualTo(Map.of("b", 4.0));
    assertThat(RankPatterns.ofScalingOne(8, ranks, true).alphaPattern())
        .isEqualTo(Map.of("b", 2.0));
    Map<String, RankPatterns.AdapterRank> before =
        Map.of("a", new RankPatterns.AdapterRank(4, 8), "b", new RankPatterns.AdapterRank(4, 8));
    RankPatterns shared = RankPatterns.ofSharedRanks(4, 8, before, ranks, true);
    assertThat(shared.rankPattern()).isEqualTo(Map.of("a", 8));
    assertThat(shared.alphaPattern()).isEqualTo(Map.of("a", 16.0));
    assertThat(RankPatterns.ofSharedRanks(4, 8, before, ranks, false).alphaPattern()).isEmpty();
  }

  @Test
  void aRecorderShowsInputsAndChangesNothing() {
    try (Generator generator = Generator.of(1)) {
      Tensor x = Tensor.normal(0, 1, generator, 2, 3);
      Map<String, Tensor> seen = new LinkedHashMap<>();
      try (DenseLinear layer =
              new DenseLinear("q", Tensor.normal(0, 1, generator, 4, 3), Optional.empty());
          InputRecorder recorder = new InputRecorder(layer, seen::put)) {
        Tensor y = recorder.forward(x, ForwardContext.eval());
        assertThat(y.equal(layer.forward(x, ForwardContext.eval()))).isTrue();
        assertThat(distance(seen.get("q"), x)).isZero();
        assertThat(recorder.name()).isEqualTo("q");
        recorder.close();
        assertThat(layer.weight().isClosed()).isFalse();
      }
    }
  }
}
