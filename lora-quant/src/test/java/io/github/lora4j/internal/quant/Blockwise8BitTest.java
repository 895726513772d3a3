package io.github.lora4j.internal.quant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.github.lora4j.internal.quant.Blockwise8Bit.Rounding;
import io.github.lora4j.tensor.TensorScope;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

class Blockwise8BitTest {

  private final Blockwise8Bit signed = Blockwise8Bit.of(Blockwise8Bit.dynamicMap(true));
  private final Blockwise8Bit unsigned = Blockwise8Bit.of(Blockwise8Bit.dynamicMap(false));

  @Test
  void theSignedMapIsBitsAndBytes() {
    try (Bnb bnb = Bnb.kept("nf4-double-bf16-96x80-b64.safetensors");
        TensorScope scope = TensorScope.open()) {
      float[] expected = bnb.tensor("weight.nested_quant_map").toFloatArray();
      assertThat(Blockwise8Bit.dynamicMap(true)).isEqualTo(expected);
    }
  }

  @Test
  void theUnsignedMapIsWhatTorchComputes() {
    // src/test/python/make_dynamic_map.py
    float[] map = Blockwise8Bit.dynamicMap(false);
    int[] bits = new int[map.length];
    for (int i = 0; i < bits.length; i++) {
      bits[i] = Float.floatToRawIntBits(map[i]);
    }
    assertThat(map[0]).isZero();
    assertThat(map[255]).isEqualTo(1);
    assertThat(Arrays.hashCode(bits)).isEqualTo(HASH);
  }

  private static final int HASH = -301202699;

  @Test
  void everyValueOfAMapIsItsOwnCode() {
    for (Blockwise8Bit coder : new Blockwise8Bit[] {signed, unsigned}) {
      float[] map = coder.map();
      for (int code = 0; code < 256; code++) {
        assertThat(coder.nearest(map[code])).isEqualTo((byte) code);
      }
    }
  }

  @Test
  void theNearestIsFoundAroundEveryThreshold() {
    float[] map = signed.map();
    for (int code = 0; code < 255; code++) {
      float middle = (map[code] + map[code + 1]) / 2;
      assertThat(signed.nearest(middle)).as("at %s", middle).isEqualTo((byte) code);
      assertThat(signed.nearest(Math.nextUp(middle))).isEqualTo((byte) (code + 1));
      assertThat(signed.nearest(Math.nextDown(middle))).isEqualTo((byte) code);
    }
    assertThat(signed.nearest(-1)).isEqualTo((byte) 0);
    assertThat(signed.nearest(1)).isEqualTo((byte) 255);
  }

  @Test
  void blocksAreScaledByTheirLargest() {
    float[] values = {0, 4, -2, 1, 0, 0};
    byte[] codes = new byte[6];
    float absmax = signed.quantize(values, 1, 3, codes, 1, Rounding.NEAREST);
    assertThat(absmax).isEqualTo(4);
    assertThat(codes[0]).isZero();
    assertThat(codes[1]).isEqualTo((byte) 255);
    float[] back = new float[6];
    signed.dequantize(codes, 1, 3, absmax, back, 1);
    assertThat(back[1]).isEqualTo(4);
    assertThat(back[2]).isCloseTo(-2, org.assertj.core.api.Assertions.within(0.05f));
  }

  @Test
  void zerosStayZeros() {
    for (Blockwise8Bit coder : new Blockwise8Bit[] {signed, unsigned}) {
      byte[] codes = new byte[4];
      assertThat(coder.quantize(new float[4], 0, 4, codes, 0, Rounding.NEAREST)).isZero();
      float[] back = {1, 1, 1, 1};
      coder.dequantize(codes, 0, 4, 7, back, 0);
      assertThat(back).containsOnly(0);
    }
  }

  /** src/test/python/make_bitsandbytes_fixtures.py */
  @Test
  void codesOnTheCpuAreBitsandbytesOwnAroundEveryChange() {
    try (Bnb bnb = Bnb.kept("blockwise-cpu.safetensors");
        TensorScope scope = TensorScope.open()) {
      float[] values = bnb.tensor("values").toFloatArray();
      float[] absmax = bnb.tensor("absmax").toFloatArray();
      byte[] codes = new byte[values.length];
      for (int block = 0; block < absmax.length; block++) {
        int at = block * 256;
        int count = Math.min(256, values.length - at);
        assertThat(signed.quantize(values, at, count, codes, at, Rounding.MARKS))
            .isEqualTo(absmax[block]);
      }
      byte[] expected = new byte[values.length];
      bnb.tensor("codes").copyBytesTo(0, expected, expected.length);
      assertThat(Arrays.mismatch(codes, expected)).isNegative();
    }
  }

  @Test
  void aMapHas256AscendingValues() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Blockwise8Bit.of(new float[16]))
        .withMessageContaining("256");
    float[] map = Blockwise8Bit.dynamicMap(true);
    map[7] = 2;
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Blockwise8Bit.of(map))
        .withMessageContaining("ascending");
  }
}
