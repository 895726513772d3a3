package io.github.lora4j.internal.quant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class Quantized4BitTest {

  @Test
  void aBlockOfZerosIsCode7AndScale0() {
    try (TensorScope scope = TensorScope.open();
        Quantized4Bit weight =
            Quantized4Bit.quantize(
                Tensor.zeros(DType.BF16, Device.CPU, 3, 33), QuantType.NF4, 64, false)) {
      assertThat(weight.codes().toLongArray()).containsOnly(0x77);
      assertThat(weight.absmax().toFloatArray()).containsExactly(0, 0);
      assertThat(weight.dequantize(DType.F32).toFloatArray()).containsOnly(0);
    }
  }

  @Test
  void anOddElementIsPaddedWithZero() {
    try (TensorScope scope = TensorScope.open();
        Quantized4Bit weight =
            Quantized4Bit.quantize(
                Tensor.of(new float[] {-1, 1, 0.5f}, 3), QuantType.NF4, 32, false)) {
      assertThat(weight.codes().shape()).containsExactly(2, 1);
      assertThat(weight.codes().toLongArray()).containsExactly(0x0f, 0xc7);
      assertThat(weight.bytes()).isEqualTo(2 + 4);
    }
  }

  @ParameterizedTest
  @ValueSource(floats = {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY})
  void whatIsNotFiniteIsRefusedWithItsPlace(float bad) {
    float[] values = new float[400];
    values[2 * 100 + 70] = bad;
    try (TensorScope scope = TensorScope.open()) {
      Tensor source = Tensor.of(values, 4, 100);
      assertThatIllegalArgumentException()
          .isThrownBy(() -> Quantized4Bit.quantize(source, QuantType.FP4, 64, true))
          .withMessageContaining("[2, 70]")
          .withMessageContaining(Float.toString(bad));
      assertThatIllegalArgumentException()
          .isThrownBy(() -> Int8Rows.quantize(source))
          .withMessageContaining("row 2");
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 16, 48, 8192, -64})
  void otherBlockSizesAreRefused(int blocksize) {
    try (TensorScope scope = TensorScope.open()) {
      Tensor source = Tensor.zeros(DType.F32, Device.CPU, 64);
      assertThatIllegalArgumentException()
          .isThrownBy(() -> Quantized4Bit.quantize(source, QuantType.NF4, blocksize, false))
          .withMessageContaining("32 to 4096");
    }
  }

  @Test
  void whatIsStoredHasToFitTogether() {
    try (TensorScope scope = TensorScope.open()) {
      Tensor codes = Tensor.zeros(DType.U8, Device.CPU, 32, 1);
      Tensor absmax = Tensor.zeros(DType.F32, Device.CPU, 2);
      assertThatIllegalArgumentException()
          .isThrownBy(() -> of(codes, absmax, 64))
          .withMessageContaining("absmax: expected 1");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> of(codes, absmax, 66))
          .withMessageContaining("codes: expected 33");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> of(codes.to(DType.F32), absmax, 64))
          .withMessageContaining("U8");
    }
  }

  private static Quantized4Bit of(Tensor codes, Tensor absmax, long numel) {
    return Quantized4Bit.of(
        codes, new long[] {numel}, DType.BF16, QuantType.NF4, 64, absmax, Optional.empty());
  }

  @Test
  void aTargetHasToFit() {
    try (TensorScope scope = TensorScope.open();
        Quantized4Bit weight =
            Quantized4Bit.quantize(
                Tensor.zeros(DType.F32, Device.CPU, 2, 32), QuantType.NF4, 64, false)) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> weight.dequantizeInto(Tensor.zeros(DType.F32, Device.CPU, 63)))
          .withMessageContaining("64 elements");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> weight.dequantizeInto(Tensor.zeros(DType.I64, Device.CPU, 64)))
          .withMessageContaining("F32, BF16 or F16");
    }
  }

  @Test
  void aSecondOwnerOutlivesTheFirst() {
    try (TensorScope scope = TensorScope.open()) {
      Tensor source = Tensor.of(new float[] {1, -1, 0.25f, 0}, 4);
      Quantized4Bit first = Quantized4Bit.quantize(source, QuantType.NF4, 64, true);
      Tensor before = first.dequantize(DType.F32);
      try (Quantized4Bit second = first.share()) {
        first.close();
        assertThat(second.dequantize(DType.F32).equal(before)).isTrue();
      }
      assertThat(first.codes().isClosed()).isTrue();
      assertThat(first.nested().orElseThrow().absmax().isClosed()).isTrue();
    }
  }

  @Test
  void rowsIn8BitsAreWithinHalfAStep() {
    try (TensorScope scope = TensorScope.open()) {
      Tensor source = Tensor.of(new float[] {1, -0.5f, 0.004f, 127, 63.6f, -63.5f, 0, 0, 0}, 3, 3);
      try (Int8Rows rows = Int8Rows.quantize(source)) {
        assertThat(rows.codes().toLongArray()).containsExactly(127, -64, 1, 127, 64, -64, 0, 0, 0);
        assertThat(rows.scb().toFloatArray()).containsExactly(1, 127, 0);
        float[] decoded = rows.dequantize(DType.F32).toFloatArray();
        assertThat(decoded[0]).isEqualTo(127f * 1 * 7.874015718698502e-3f);
        assertThat(decoded[8]).isZero();
        assertThat(rows.dequantize(DType.BF16).equal(rows.dequantize(DType.F32).to(DType.BF16)))
            .isTrue();
      }
    }
  }
}
