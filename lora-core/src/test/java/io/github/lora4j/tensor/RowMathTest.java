package io.github.lora4j.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.FloatRange;
import org.junit.jupiter.api.Test;

class RowMathTest {

  @Property
  void exponentialsAreWithinTwoUnitsInTheLastPlace(
      @ForAll @FloatRange(min = -87, max = 87) float x) {
    assertExact(x);
  }

  @Test
  void exponentialsAreExactWhereTheSeriesChanges() {
    for (int i = -250; i <= 250; i++) {
      float border = (float) (i / 2.0 * Math.log(2));
      assertExact(Math.nextDown(border));
      assertExact(border);
      assertExact(Math.nextUp(border));
    }
  }

  private static void assertExact(float x) {
    double exact = Math.exp(x);
    assertThat(Math.abs(RowMath.exp(x) - exact))
        .as("e^%s", x)
        .isLessThan(2 * Math.ulp((float) exact));
  }

  @Test
  void exponentialsAreWhatTheyAreInDoublePrecisionWhereFloatsEnd() {
    assertThat(RowMath.exp(0)).isEqualTo(1);
    assertThat(RowMath.exp(Float.NEGATIVE_INFINITY)).isZero();
    assertThat(RowMath.exp(-1000)).isZero();
    assertThat(RowMath.exp(-95)).isEqualTo((float) Math.exp(-95)).isPositive();
    assertThat(RowMath.exp(1000)).isEqualTo(Float.POSITIVE_INFINITY);
    assertThat(RowMath.exp(Float.NaN)).isNaN();
  }
}
