package io.github.lora4j.generate;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;

class StopStringFilterTest {

  @Test
  void holdsBackTheBeginningOfAStopStringUntilItIsDecided() {
    StopStringFilter filter = new StopStringFilter(List.of("\n\nUser:"));
    assertThat(filter.push("Yes.\n")).isEqualTo("Yes.");
    assertThat(filter.push("\nUs")).isEmpty();
    assertThat(filter.push("ing")).isEqualTo("\n\nUsing");
    assertThat(filter.push("\n\nUser")).isEmpty();
    assertThat(filter.push(": more")).isEmpty();
    assertThat(filter.found()).isTrue();
    assertThat(filter.push("text")).isEmpty();
    assertThat(filter.finish()).isEmpty();
  }

  @Test
  void letsGoOfWhatItHeldWhenTheTextEnds() {
    StopStringFilter filter = new StopStringFilter(List.of("stop"));
    assertThat(filter.push("a sto")).isEqualTo("a ");
    assertThat(filter.finish()).isEqualTo("sto");
    assertThat(filter.found()).isFalse();
  }

  @Property(tries = 500)
  void cutsAtTheStopStringThatIsCompleteFirstWhateverThePieces(
      @ForAll("pieces") List<String> pieces, @ForAll("stops") List<String> stops) {
    StopStringFilter filter = new StopStringFilter(stops);
    StringBuilder out = new StringBuilder();
    StringBuilder in = new StringBuilder();
    for (String piece : pieces) {
      in.append(piece);
      out.append(filter.push(piece));
      if (!filter.found()) {
        String held = in.substring(out.length());
        assertThat(stops.stream().anyMatch(stop -> stop.startsWith(held)) || held.isEmpty())
            .as("held back only what may be a beginning: %s", held)
            .isTrue();
      }
    }
    out.append(filter.finish());

    int cut = cut(in.toString(), stops);
    assertThat(filter.found()).isEqualTo(cut >= 0);
    assertThat(out.toString()).isEqualTo(cut < 0 ? in.toString() : in.substring(0, cut));
  }

  /** The definition: the shortest beginning that ends in a stop string, without the longest. */
  private static int cut(String text, List<String> stops) {
    for (int end = 1; end <= text.length(); end++) {
      String beginning = text.substring(0, end);
      int longest =
          stops.stream().filter(beginning::endsWith).mapToInt(String::length).max().orElse(0);
      if (longest > 0) {
        return end - longest;
      }
    }
    return -1;
  }

  @Provide
  Arbitrary<List<String>> pieces() {
    return Arbitraries.strings().withChars("abc").ofMaxLength(5).list().ofMaxSize(8);
  }

  @Provide
  Arbitrary<List<String>> stops() {
    return Arbitraries.strings().withChars("abc").ofMinLength(1).ofMaxLength(6).list().ofMaxSize(3);
  }
}
