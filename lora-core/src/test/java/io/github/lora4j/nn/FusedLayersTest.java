package io.github.lora4j.nn;

import static io.github.lora4j.testing.Fixtures.relativeDifference;
import static org.assertj.core.api.Assertions.assertThat;

import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Functional;
import io.github.lora4j.tensor.Generator;
import io.github.lora4j.tensor.Tape;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What has a gradient written by hand, against libtorch's own. */
class FusedLayersTest {

  private static final double LAYER_TOLERANCE = 1e-5;

  private TensorScope scope;
  private Generator random;

  @BeforeEach
  void open() {
    scope = TensorScope.open();
    random = Generator.of(3);
  }

  @AfterEach
  void close() {
    random.close();
    scope.close();
  }

  private Tensor normal(long... shape) {
    return Tensor.normal(0, 1, random, shape);
  }

  private DenseLinear linear(int out, int in, boolean bias) {
    return new DenseLinear(
        "l", normal(out, in), bias ? Optional.of(normal(out)) : Optional.empty());
  }

  private static void assertClose(List<Tensor> actual, List<Tensor> expected, double tolerance) {
    assertThat(actual).hasSameSizeAs(expected);
    for (int i = 0; i < actual.size(); i++) {
      assertThat(actual.get(i).dtype()).isEqualTo(expected.get(i).dtype());
      assertThat(relativeDifference(actual.get(i), expected.get(i)))
          .as("tensor " + i)
          .isLessThan(tolerance);
    }
  }

  /** Output and input gradient, from libtorch's graph and from a tape. */
  private void compare(Tensor input, UnaryOperator<Tensor> layer, double tolerance) {
    Tensor plainX = input.copy().requiresGrad(true);
    Tensor plainY = layer.apply(plainX);
    Tensor gradient = normal(plainY.shape()).to(input.dtype());
    Functional.backward(plainY, gradient);
    Tensor x = input.copy().requiresGrad(true);
    try (Tape tape = Tape.open()) {
      Tensor y = layer.apply(x);
      assertClose(List.of(y), List.of(plainY), tolerance);
      tape.backward(y, gradient);
    }
    assertClose(List.of(x.grad().orElseThrow()), List.of(plainX.grad().orElseThrow()), tolerance);
  }

  // bfloat16 keeps 8 bits: the two ways round at different places.
  @ParameterizedTest
  @CsvSource({"F32,1e-5", "BF16,3e-2"})
  void theNormHasTheGradientOfItsFormula(DType dtype, double tolerance) {
    for (RmsNorm.Weighting weighting : RmsNorm.Weighting.values()) {
      RmsNorm norm = new RmsNorm("n", normal(24).to(dtype), 1e-5, weighting);
      compare(normal(2, 5, 24).to(dtype), norm::forward, tolerance);
    }
    LayerNorm norm =
        new LayerNorm("n", normal(24).to(dtype), Optional.of(normal(24).to(dtype)), 1e-5);
    compare(normal(2, 5, 24).to(dtype), norm::forward, tolerance);
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aFrozenLinearLayerPassesItsGradientDown(boolean bias) {
    DenseLinear layer = linear(7, 12, bias);
    compare(normal(2, 9, 12), x -> layer.forward(x, ForwardContext.eval()), LAYER_TOLERANCE);
  }

  @ParameterizedTest
  @EnumSource(Activation.class)
  void theGatedMlpHasTheGradientOfItsFormula(Activation activation) {
    GatedMlp mlp =
        new GatedMlp(linear(20, 8, false), linear(20, 8, true), linear(8, 20, false), activation);
    compare(normal(1, 11, 8), x -> mlp.forward(x, ForwardContext.eval()), LAYER_TOLERANCE);
  }

  @ParameterizedTest
  @EnumSource(Activation.class)
  void theJointlyProjectedMlpHasTheGradientOfItsFormula(Activation activation) {
    JointGatedMlp mlp = new JointGatedMlp(linear(40, 8, true), linear(8, 20, false), activation);
    compare(normal(1, 11, 8), x -> mlp.forward(x, ForwardContext.eval()), LAYER_TOLERANCE);
  }

  @ParameterizedTest
  @EnumSource(Activation.class)
  void thePlainMlpHasTheGradientOfItsFormula(Activation activation) {
    PlainMlp mlp = new PlainMlp(linear(20, 8, true), linear(8, 20, true), activation);
    compare(normal(1, 11, 8), x -> mlp.forward(x, ForwardContext.eval()), LAYER_TOLERANCE);
  }

  @Test
  void aLayerThatIsStoredTransposedComputesTheSame() {
    Tensor weight = normal(7, 12);
    Tensor bias = normal(7);
    DenseLinear layer =
        DenseLinear.ofInputFirst("l", weight.transpose(0, 1).contiguous(), Optional.of(bias));
    DenseLinear usual = new DenseLinear("l", weight, Optional.of(bias));
    assertThat(layer.outFeatures()).isEqualTo(7);
    compare(normal(2, 9, 12), x -> layer.forward(x, ForwardContext.eval()), LAYER_TOLERANCE);
    Tensor x = normal(2, 9, 12);
    assertClose(
        List.of(layer.forward(x, ForwardContext.eval())),
        List.of(usual.forward(x, ForwardContext.eval())),
        LAYER_TOLERANCE);
  }

  @Test
  void aLayerThatLearnsStillDoesUnderATape() {
    DenseLinear layer = linear(4, 6, true);
    layer.weight().requiresGrad(true);
    try (Tape tape = Tape.open()) {
      Tensor y = layer.forward(normal(1, 3, 6), ForwardContext.eval());
      tape.backward(y, normal(1, 3, 4));
    }
    assertThat(layer.weight().grad()).isPresent();
  }

  /** The positions and the mask of sequences in one row, for libtorch's way. */
  private static Attention.AllBut blocked(int[] lengths, int total) {
    float[] sample = new float[total];
    int at = 0;
    for (int i = 0; i < lengths.length; i++) {
      for (int j = 0; j < lengths[i]; j++) {
        sample[at++] = i;
      }
    }
    float[] mask = new float[total * total];
    for (int query = 0; query < total; query++) {
      for (int key = 0; key < total; key++) {
        mask[query * total + key] = key > query || sample[key] != sample[query] ? 1 : 0;
      }
    }
    Tensor zero = Tensor.of(new float[1], 1);
    return new Attention.AllBut(Optional.of(Tensor.of(mask, 1, 1, 1, total, total).gt(zero)));
  }

  private static Tensor positions(int[] lengths) {
    List<Long> positions = new ArrayList<>();
    for (int length : lengths) {
      for (long i = 0; i < length; i++) {
        positions.add(i);
      }
    }
    return Tensor.of(positions.stream().mapToLong(p -> p).toArray(), 1, positions.size());
  }

  // Lengths beyond one chunk of queries, equal and not, whole and half rotated heads.
  @ParameterizedTest
  @CsvSource({
    "5,4,2,8,F32,1e-5",
    "5 5 5,4,4,8,F32,1e-5",
    "3 1 9,4,1,4,F32,1e-5",
    "300,2,1,8,F32,1e-5",
    "130 129,2,2,8,F32,1e-5",
    "7 7,4,2,8,BF16,4e-2"
  })
  void attentionOverSequencesIsThatOfABlockDiagonalMask(
      String lengthList, int heads, int kvHeads, int rotaryDim, DType dtype, double tolerance) {
    int headDim = 8;
    int hidden = 16;
    int[] lengths =
        java.util.Arrays.stream(lengthList.split(" ")).mapToInt(Integer::parseInt).toArray();
    RotaryEmbedding rotary = new RotaryEmbedding(rotaryDim, 10000, new RopeScaling.None());
    AttentionShape shape =
        AttentionShape.of(heads, kvHeads, headDim, Optional.of(rotary)).withScale(0.3);
    compareAttention(lengths, hidden, shape, QkvLayout.SEPARATE, dtype, tolerance);
  }

  // A window shorter than a chunk, across chunks, and one that all sequences fit into; bounded
  // scores; no position embedding; one projection for queries, keys and values.
  @ParameterizedTest
  @CsvSource({
    "5 9,3,0,SEPARATE",
    "300,7,0,SEPARATE",
    "300 200,150,0,SEPARATE",
    "140,128,2,SEPARATE",
    "9,20,1.5,SEPARATE",
    "5 9,0,0,CONCATENATED",
    "5 9,4,0.7,GROUPED"
  })
  void attentionOfAllKindsHasTheGradientOfItsFormula(
      String lengthList, int window, double softcap, QkvLayout layout) {
    int[] lengths =
        java.util.Arrays.stream(lengthList.split(" ")).mapToInt(Integer::parseInt).toArray();
    AttentionShape shape =
        AttentionShape.of(4, 2, 8, Optional.empty())
            .withWindow(window == 0 ? OptionalInt.empty() : OptionalInt.of(window))
            .withSoftcap(softcap == 0 ? OptionalDouble.empty() : OptionalDouble.of(softcap));
    compareAttention(lengths, 16, shape, layout, DType.F32, LAYER_TOLERANCE);
  }

  private QkvProjection projection(
      AttentionShape shape, int hidden, QkvLayout layout, DType dtype) {
    int queries = shape.heads() * shape.headDim();
    int keys = shape.kvHeads() * shape.headDim();
    return layout == QkvLayout.SEPARATE
        ? new QkvProjection.Separate(
            cast(linear(queries, hidden, true), dtype),
            cast(linear(keys, hidden, false), dtype),
            cast(linear(keys, hidden, false), dtype))
        : new QkvProjection.Fused(cast(linear(queries + 2 * keys, hidden, true), dtype), layout);
  }

  private void compareAttention(
      int[] lengths,
      int hidden,
      AttentionShape shape,
      QkvLayout layout,
      DType dtype,
      double tolerance) {
    Attention attention =
        new Attention(
            projection(shape, hidden, layout, dtype),
            Optional.empty(),
            cast(linear(hidden, shape.heads() * shape.headDim(), false), dtype),
            shape);
    Tensor positions = positions(lengths);
    int total = (int) positions.numel();
    List<RotaryEmbedding> rotary = shape.rotary().stream().toList();
    Tensor input = normal(1, total, hidden).mul(0.3).to(dtype);
    Tensor gradient = normal(1, total, hidden).to(dtype);

    Tensor plainX = input.copy().requiresGrad(true);
    Tensor plainY =
        attention.forward(
            plainX,
            Attention.Pass.at(positions, rotary, dtype, blocked(lengths, total)),
            Optional.empty(),
            ForwardContext.eval());
    Functional.backward(plainY, gradient);

    Tensor x = input.copy().requiresGrad(true);
    CausalSequences sequences = new CausalSequences(lengths, dtype, Device.CPU);
    try (Tape tape = Tape.open()) {
      Tensor y =
          attention.forward(
              x,
              Attention.Pass.at(positions, rotary, dtype, sequences),
              Optional.empty(),
              ForwardContext.eval());
      assertClose(List.of(y), List.of(plainY), tolerance);
      tape.backward(y, gradient);
    }
    assertClose(List.of(x.grad().orElseThrow()), List.of(plainX.grad().orElseThrow()), tolerance);
  }

  private static DenseLinear cast(DenseLinear layer, DType dtype) {
    return new DenseLinear(
        layer.name(), layer.weight().to(dtype), layer.bias().map(bias -> bias.to(dtype)));
  }
}
