package io.github.lora4j.peft;

import static io.github.lora4j.testing.Fixtures.relativeDifference;
import static org.assertj.core.api.Assertions.assertThat;

import io.github.lora4j.nn.DenseLinear;
import io.github.lora4j.nn.ForwardContext;
import io.github.lora4j.nn.JoiningLinear;
import io.github.lora4j.nn.LinearLayer;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Functional;
import io.github.lora4j.tensor.Generator;
import io.github.lora4j.tensor.NoGrad;
import io.github.lora4j.tensor.Plain;
import io.github.lora4j.tensor.Tape;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Updates of layers that read one input, against each layer alone with libtorch's gradients. */
class JointUpdateTest {

  private static final int IN = 12;
  private static final int[] OUT = {10, 6, 7};
  private static final int[] RANKS = {4, 2, 3};
  private static final double[] SCALINGS = {2, 0.3, 1};

  private final AdapterSwitch enabled = new AdapterSwitch();
  private TensorScope scope;
  private Generator random;

  @BeforeEach
  void open() {
    scope = TensorScope.open();
    random = Generator.of(7);
  }

  @AfterEach
  void close() {
    random.close();
    scope.close();
  }

  private Tensor normal(long... shape) {
    return Tensor.normal(0, 1, random, shape);
  }

  private DenseLinear dense(int i, DType dtype) {
    Optional<Tensor> bias = i == 1 ? Optional.of(normal(OUT[i]).to(dtype)) : Optional.empty();
    return new DenseLinear("layer" + i, normal(OUT[i], IN).to(dtype), bias);
  }

  private LoraWeights weights(int i) {
    return new LoraWeights(normal(RANKS[i], IN), normal(OUT[i], RANKS[i])).requiresGrad(true);
  }

  private AdaptedLinear adapted(int i, DType dtype, LoraUpdate... updates) {
    AdaptedLinear layer = new AdaptedLinear(dense(i, dtype), enabled);
    List<String> names = new ArrayList<>();
    for (LoraUpdate update : updates) {
      names.add("adapter" + names.size());
      layer.put(names.get(names.size() - 1), update);
    }
    layer.activate(names);
    return layer;
  }

  private AdaptedLinear usual(int i, DType dtype) {
    return adapted(i, dtype, new LoraUpdate(weights(i), SCALINGS[i], 0));
  }

  /** Results and gradients of one pass. */
  private record Outcome(List<Tensor> results, Map<String, Tensor> gradients) {}

  private static Map<String, Tensor> gradients(List<LinearLayer> layers, Tensor x) {
    Map<String, Tensor> gradients = new LinkedHashMap<>();
    x.grad().ifPresent(gradient -> gradients.put("x", gradient));
    layers.forEach(
        layer ->
            layer.forEachParameter(
                (name, parameter) -> {
                  parameter.grad().ifPresent(gradient -> gradients.put(name, gradient));
                  parameter.clearGrad();
                }));
    return gradients;
  }

  private static Outcome alone(
      List<LinearLayer> layers, Tensor input, List<Tensor> dys, ForwardContext context) {
    Tensor x = input.copy().requiresGrad(true);
    List<Tensor> results = new ArrayList<>();
    try (Plain plain = Plain.open()) {
      for (int i = 0; i < layers.size(); i++) {
        results.add(layers.get(i).forward(x, context));
        Functional.backward(results.get(i), dys.get(i));
      }
    }
    return new Outcome(results, gradients(layers, x));
  }

  private static Outcome together(
      List<LinearLayer> layers, Tensor input, List<Tensor> dys, ForwardContext context) {
    Tensor x = input.copy().requiresGrad(true);
    List<Tensor> results;
    try (Tape tape = Tape.open()) {
      results = JoiningLinear.forward(layers, x, context);
      List<Tensor> flat = new ArrayList<>();
      List<Tensor> flatGradients = new ArrayList<>();
      for (int i = 0; i < results.size(); i++) {
        flat.add(results.get(i).reshape(-1));
        flatGradients.add(dys.get(i).reshape(-1));
      }
      tape.backward(Tensor.cat(flat, 0), Tensor.cat(flatGradients, 0));
    }
    return new Outcome(results, gradients(layers, x));
  }

  private void compare(List<LinearLayer> layers, DType dtype, double tolerance) {
    compare(layers, dtype, tolerance, ForwardContext.eval(), ForwardContext.eval());
  }

  private void compare(
      List<LinearLayer> layers,
      DType dtype,
      double tolerance,
      ForwardContext first,
      ForwardContext second) {
    Tensor x = normal(2, 9, IN).to(dtype);
    List<Tensor> dys = new ArrayList<>();
    layers.forEach(layer -> dys.add(normal(2, 9, layer.outFeatures()).to(dtype)));
    Outcome expected = alone(layers, x, dys, first);
    Outcome actual = together(layers, x, dys, second);
    assertThat(actual.results()).hasSameSizeAs(layers);
    for (int i = 0; i < layers.size(); i++) {
      assertThat(actual.results().get(i).dtype()).isEqualTo(dtype);
      assertThat(relativeDifference(actual.results().get(i), expected.results().get(i)))
          .as("result " + i)
          .isLessThan(tolerance);
    }
    assertThat(actual.gradients().keySet()).isEqualTo(expected.gradients().keySet());
    expected
        .gradients()
        .forEach(
            (name, gradient) -> {
              Tensor own = actual.gradients().get(name);
              assertThat(own.shape()).isEqualTo(gradient.shape());
              assertThat(own.dtype()).isEqualTo(gradient.dtype());
              assertThat(relativeDifference(own, gradient)).as(name).isLessThan(tolerance);
            });
  }

  // Which of three layers have an update: none to all, each with a rank and a scaling of its own.
  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 3, 4, 5, 6, 7})
  void anySubsetHasTheResultsAndGradientsOfEachAlone(int subset) {
    List<LinearLayer> layers = new ArrayList<>();
    for (int i = 0; i < OUT.length; i++) {
      layers.add((subset >> i & 1) == 1 ? usual(i, DType.F32) : dense(i, DType.F32));
    }
    compare(layers, DType.F32, 1e-5);
  }

  @Test
  void inBfloat16TheyAgreeToItsRounding() {
    compare(
        List.of(usual(0, DType.BF16), usual(1, DType.BF16), usual(2, DType.BF16)),
        DType.BF16,
        3e-2);
  }

  @Test
  void whatIsFrozenGetsNoGradient() {
    AdaptedLinear frozen = usual(1, DType.F32);
    frozen.requiresGrad("adapter0", false);
    compare(List.of(usual(0, DType.F32), frozen, usual(2, DType.F32)), DType.F32, 1e-5);
  }

  @Test
  void gradientsOfSeveralPassesAddUp() {
    List<LinearLayer> layers = List.of(usual(0, DType.F32), usual(1, DType.F32));
    Tensor x = normal(1, 20, IN);
    List<Tensor> dys = List.of(normal(1, 20, OUT[0]), normal(1, 20, OUT[1]));
    Map<String, Tensor> once = together(layers, x, dys, ForwardContext.eval()).gradients();
    Map<String, Tensor> twice = new LinkedHashMap<>();
    for (int pass = 0; pass < 2; pass++) {
      try (Tape tape = Tape.open()) {
        List<Tensor> results = JoiningLinear.forward(layers, x, ForwardContext.eval());
        Tensor both = Tensor.cat(results, -1);
        tape.backward(both, Tensor.cat(dys, -1));
      }
    }
    layers.forEach(
        layer ->
            layer.forEachParameter(
                (name, parameter) -> parameter.grad().ifPresent(g -> twice.put(name, g))));
    assertThat(twice).hasSize(4);
    twice.forEach(
        (name, gradient) ->
            assertThat(relativeDifference(gradient, once.get(name).mul(2)))
                .as(name)
                .isLessThan(1e-5));
  }

  // Few rows and many, where nothing is recorded.
  @ParameterizedTest
  @ValueSource(ints = {1, 16, 17, 64})
  void evaluationGivesTheSame(int rows) {
    List<LinearLayer> layers =
        List.of(usual(0, DType.F32), dense(1, DType.F32), usual(2, DType.F32));
    Tensor x = normal(1, rows, IN);
    try (NoGrad noGrad = NoGrad.open()) {
      List<Tensor> joint = JoiningLinear.forward(layers, x, ForwardContext.eval());
      for (int i = 0; i < layers.size(); i++) {
        Tensor own = layers.get(i).forward(x, ForwardContext.eval());
        assertThat(relativeDifference(joint.get(i), own)).isLessThan(1e-5);
      }
    }
  }

  @Test
  void dropoutHasAMaskForEachLayer() {
    LoraUpdate first = new LoraUpdate(weights(0), 2, 0.5);
    LoraUpdate second = new LoraUpdate(weights(1), 2, 0.5);
    List<LinearLayer> layers = List.of(adapted(0, DType.F32, first), adapted(1, DType.F32, second));
    try (Generator one = Generator.of(3);
        Generator other = Generator.of(3)) {
      compare(
          layers, DType.F32, 1e-5, ForwardContext.training(one), ForwardContext.training(other));
    }
  }

  @Test
  void whatIsMoreThanOneProductStaysApart() {
    LoraUpdate twoOfThem = new LoraUpdate(weights(0), 1, 0);
    AdaptedLinear several = adapted(0, DType.F32, twoOfThem, new LoraUpdate(weights(0), 0.5, 0));
    LoraWeights plain = weights(0);
    AdaptedLinear withBias =
        adapted(0, DType.F32, new LoraUpdate(plain.withBias(normal(OUT[0])), 1, 0));
    LoraWeights other = weights(0);
    AdaptedLinear dora =
        adapted(
            0, DType.F32, new LoraUpdate(other.withMagnitude(normal(OUT[0]).abs().add(1)), 1, 0));
    AdaptedLinear dropping = adapted(0, DType.F32, new LoraUpdate(weights(0), 1, 0.1));
    ForwardContext training = ForwardContext.training(random);
    for (AdaptedLinear apart : List.of(several, withBias, dora)) {
      assertThat(apart.oneUpdate(training)).isEmpty();
      compare(List.of(usual(2, DType.F32), apart, usual(1, DType.F32)), DType.F32, 1e-5);
    }
    assertThat(dropping.oneUpdate(training)).isEmpty();
    assertThat(dropping.oneUpdate(ForwardContext.eval())).isPresent();
  }

  @ParameterizedTest
  @CsvSource({"true,true", "false,false"})
  void aDisabledAdapterTakesNoPart(boolean on, boolean joins) {
    AdaptedLinear layer = usual(0, DType.F32);
    enabled.set(on);
    assertThat(layer.oneUpdate(ForwardContext.eval()).isPresent()).isEqualTo(joins);
    compare(List.of(layer, usual(1, DType.F32)), DType.F32, 1e-5);
  }

  @Test
  void aMergedLayerJoinsNoLonger() {
    AdaptedLinear layer = usual(0, DType.F32);
    layer.merge(List.of("adapter0"), true);
    assertThat(layer.oneUpdate(ForwardContext.eval())).isEmpty();
    layer.unmerge();
    assertThat(layer.oneUpdate(ForwardContext.eval())).isPresent();
    assertThat(layer.device()).isEqualTo(Device.CPU);
  }
}
