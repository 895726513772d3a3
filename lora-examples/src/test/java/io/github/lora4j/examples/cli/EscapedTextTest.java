package io.github.lora4j.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.CharRange;
import net.jqwik.api.constraints.Chars;
import org.junit.jupiter.api.Test;
import picocli.CommandLine.TypeConversionException;

class EscapedTextTest {

  private final EscapedText converter = new EscapedText();

  @Test
  void threeEscapesAreKnownAndOtherBackslashesStay() {
    assertThat(converter.convert("a\\nb\\tc\\\\n")).isEqualTo("a\nb\tc\\n");
    assertThat(converter.convert("C:\\dir \\d+ \\")).isEqualTo("C:\\dir \\d+ \\");
    assertThat(converter.convert("")).isEmpty();
  }

  @Property
  void everyTextCanBeWritten(
      @ForAll @CharRange(from = 'a', to = 'z') @Chars({'\\', '\n', '\t'}) String text) {
    String written = text.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t");
    assertThat(converter.convert(written)).isEqualTo(text);
  }

  @Test
  void textThatTheLocaleHasDestroyedIsRefused() {
    assertThatThrownBy(() -> converter.convert("caf\uFFFD"))
        .isInstanceOf(TypeConversionException.class)
        .hasMessageContaining("LC_ALL");
  }
}
