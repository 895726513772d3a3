package io.github.lora4j.train;

import static org.assertj.core.api.Assertions.assertThat;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PythonFloatTest {

  @ParameterizedTest
  @CsvSource({
    "0.0, 0.0",
    "1, 1.0",
    "0.0001, 0.0001",
    "0.00001, 1e-05",
    "1.5e-7, 1.5e-07",
    "3479808, 3479808.0",
    "1e15, 1000000000000000.0",
    "1e16, 1e+16",
    "-2.5e300, -2.5e+300",
    "4.095851898193359, 4.095851898193359"
  })
  void reprWritesWhatPythonWrites(double value, String expected) {
    assertThat(PythonFloat.repr(value)).isEqualTo(expected);
  }

  @Property
  void reprReadsBackAsTheSameNumber(@ForAll double value) {
    assertThat(Double.parseDouble(PythonFloat.repr(value))).isEqualTo(value);
  }

  @ParameterizedTest
  @CsvSource({
    "4.095851898193359, 4.096",
    "0.04594283923506737, 0.04594",
    "0.0001, 0.0001",
    "0.00005, 5e-05",
    "0.6666666666666666, 0.6667",
    "0, 0",
    "1, 1",
    "1234.56, 1235",
    "9999.4, 9999",
    "12345.6, 12346",
    "0.99999, 1",
    "-3.14159, -3.142",
    "2.5e20, 2.5e+20",
    "NaN, nan",
    "-Infinity, -inf"
  })
  void readableHasFourDigits(double value, String expected) {
    assertThat(PythonFloat.readable(value)).isEqualTo(expected);
  }
}
