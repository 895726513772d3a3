package io.github.lora4j.internal.quant;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

class QuantizedPropertyTest {

  /** Half the widest gap of each code book: what rounding to the nearest costs at most. */
  private static double worst(QuantType type) {
    return type == QuantType.NF4 ? 0.152 : 0.167;
  }

  /** A weight in float32 and how to code it. */
  record Sample(float[] values, QuantType type, int blocksize) {}

  @Provide
  Arbitrary<Sample> samples() {
    Arbitrary<float[]> values =
        Arbitraries.floats()
            .between(-8, 8)
            .withSpecialValue(0)
            .array(float[].class)
            .ofMinSize(1)
            .ofMaxSize(300);
    return Combinators.combine(
            values, Arbitraries.of(QuantType.class), Arbitraries.of(32, 64, 128, 4096))
        .as(Sample::new);
  }

  @Property(tries = 200)
  void decodingIsWithinHalfAGap(@ForAll("samples") Sample sample) {
    try (TensorScope scope = TensorScope.open();
        Quantized4Bit weight = quantize(sample)) {
      float[] decoded = weight.dequantize(DType.F32).toFloatArray();
      float[] absmax = weight.absmax().toFloatArray();
      for (int i = 0; i < decoded.length; i++) {
        assertThat(Math.abs(decoded[i] - sample.values()[i]))
            .isLessThanOrEqualTo((float) (absmax[i / sample.blocksize()] * worst(sample.type())));
      }
    }
  }

  @Property(tries = 200)
  void whatIsDecodedHasTheSameValuesWhenCodedAgain(@ForAll("samples") Sample sample) {
    try (TensorScope scope = TensorScope.open();
        Quantized4Bit weight = quantize(sample)) {
      Tensor once = weight.dequantize(DType.F32);
      try (Quantized4Bit again =
          Quantized4Bit.quantize(once, sample.type(), sample.blocksize(), false)) {
        assertThat(again.absmax().equal(weight.absmax())).isTrue();
        assertThat(again.dequantize(DType.F32).equal(once)).isTrue();
        if (sample.type() == QuantType.NF4) {
          // FP4 has two codes for zero.
          assertThat(again.codes().equal(weight.codes())).isTrue();
        }
      }
    }
  }

  private static Quantized4Bit quantize(Sample sample) {
    return Quantized4Bit.quantize(
        Tensor.of(sample.values(), sample.values().length),
        sample.type(),
        sample.blocksize(),
        false);
  }

  @Property(tries = 500)
  void halvesAreRoundedAsLibtorchDoes(@ForAll int bits) {
    float value = Float.intBitsToFloat(bits);
    try (TensorScope scope = TensorScope.open()) {
      Tensor tensor = Tensor.of(new float[] {value}, 1);
      float bfloat16 = tensor.to(DType.BF16).to(DType.F32).toFloatArray()[0];
      float float16 = tensor.to(DType.F16).to(DType.F32).toFloatArray()[0];
      assertThat(same(Halves.fromBfloat16(Halves.toBfloat16(value)), bfloat16)).isTrue();
      assertThat(same(Halves.fromFloat16(Halves.toFloat16(value)), float16)).isTrue();
    }
  }

  /** Bits, with one NaN for all. */
  private static boolean same(float a, float b) {
    return Float.floatToIntBits(a) == Float.floatToIntBits(b);
  }

  @Property(tries = 500)
  void smallHalvesToo(@ForAll float value) {
    halvesAreRoundedAsLibtorchDoes(Float.floatToRawIntBits(value));
    halvesAreRoundedAsLibtorchDoes(Float.floatToRawIntBits(value * 1e-6f));
  }
}
