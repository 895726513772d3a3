package io.github.lora4j.quant.optim;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The codes of numbers against the search that bitsandbytes' kernels make. */
class StateCodeTest {

  @ParameterizedTest(name = "signed: {0}")
  @ValueSource(booleans = {true, false})
  void everyNumberGetsTheCodeOfTheKernelsSearch(boolean signed) {
    StateCode code = signed ? StateCode.SIGNED : StateCode.UNSIGNED;
    Random random = new Random(5);
    for (int i = 0; i < 300_000; i++) {
      double magnitude = Math.pow(10, -9 * random.nextDouble());
      assertCode(code, (float) (signed && random.nextBoolean() ? -magnitude : magnitude), signed);
    }
    for (int i = 0; i < 255; i++) {
      float middle = (code.value((byte) (i + 1)) + code.value((byte) i)) * 0.5f;
      assertCode(code, middle, signed);
      assertCode(code, Math.nextUp(middle), signed);
      assertCode(code, Math.nextDown(middle), signed);
      assertCode(code, code.value((byte) i), signed);
    }
    assertCode(code, 1, signed);
    assertCode(code, 0, signed);
    if (signed) {
      assertCode(code, -1, true);
      assertCode(code, -0f, true);
    }
  }

  private static void assertCode(StateCode code, float value, boolean signed) {
    assertThat(code.codeOf(value) & 0xff).as("%s", value).isEqualTo(search(code, value, signed));
  }

  /** {@code quantize_2D} of csrc/kernels.cu. */
  private static int search(StateCode code, float x, boolean signed) {
    int pivot = 127;
    int upperPivot = 255;
    int lowerPivot = 0;
    float lower = signed ? -1 : 0;
    float upper = 1;
    float value = code.value((byte) pivot);
    for (int i = 64; i > 0; i >>= 1) {
      if (x > value) {
        lowerPivot = pivot;
        lower = value;
        pivot += i;
      } else {
        upperPivot = pivot;
        upper = value;
        pivot -= i;
      }
      value = code.value((byte) pivot);
    }
    if (x > value) {
      return x > (upper + value) * 0.5f ? upperPivot : pivot;
    }
    return x < (lower + value) * 0.5f ? lowerPivot : pivot;
  }

  @ParameterizedTest(name = "signed: {0}")
  @ValueSource(booleans = {true, false})
  void aBlockIsScaledByItsLargestMagnitude(boolean signed) {
    StateCode code = signed ? StateCode.SIGNED : StateCode.UNSIGNED;
    float[] states = {3, 0, 1e-9f, 0.6f, 0.03f};
    byte[] codes = new byte[5];

    assertThat(code.encode(states, codes, 5)).isEqualTo(3);

    float[] decoded = new float[5];
    code.decode(codes, 3, decoded, 5);
    assertThat(decoded[0]).isEqualTo(3);
    assertThat(decoded[1]).isZero();
    assertThat(decoded[3]).isBetween(0.58f, 0.62f);
    assertThat(decoded[4]).isBetween(0.028f, 0.032f);
  }

  @Test
  void aSmallNegativeStateKeepsItsSignAndZerosStayZeros() {
    float[] states = {1, -1e-8f, 1e-8f};
    byte[] codes = new byte[3];
    StateCode.SIGNED.encode(states, codes, 3);

    assertThat(StateCode.SIGNED.value(codes[1])).isNegative().isGreaterThan(-1e-6f);
    assertThat(StateCode.SIGNED.value(codes[2])).isZero();

    float scale = StateCode.SIGNED.encode(new float[3], codes, 3);
    float[] decoded = {1, 1, 1};
    StateCode.SIGNED.decode(codes, scale, decoded, 3);
    assertThat(decoded).containsExactly(0, 0, 0);
  }
}
