package io.github.lora4j.internal.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.AlphaChars;
import net.jqwik.api.constraints.StringLength;
import org.junit.jupiter.api.Test;

class SuggestionsTest {

  private static final List<String> LAYERS =
      List.of("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj");

  @Test
  void findsTheNearestNameFirst() {
    assertThat(Suggestions.nearest("gate_porj", LAYERS, 3)).containsExactly("gate_proj");
    assertThat(Suggestions.nearest("v_prj", LAYERS, 3)).containsExactly("v_proj");
    assertThat(Suggestions.nearest("dwn_proj", LAYERS, 3)).startsWith("down_proj");
  }

  @Test
  void findsNamesThatBeginAlike() {
    assertThat(Suggestions.nearest("q", LAYERS, 3)).containsExactly("q_proj");
    assertThat(Suggestions.nearest("gate", LAYERS, 3)).containsExactly("gate_proj");
  }

  @Test
  void ignoresCaseAndSeparators() {
    assertThat(Suggestions.didYouMean("QProj", LAYERS)).isEqualTo(" (did you mean q_proj?)");
  }

  @Test
  void saysNothingWhereNothingIsNear() {
    assertThat(Suggestions.didYouMean("query_key_value", LAYERS)).isEmpty();
    assertThat(Suggestions.didYouMean("", LAYERS)).isEmpty();
    assertThat(Suggestions.didYouMean("x".repeat(100_000), LAYERS)).isEmpty();
  }

  @Test
  void keepsToTheLimit() {
    assertThat(Suggestions.nearest("x_proj", LAYERS, 2)).hasSize(2);
  }

  @Property
  void findsANameWithOneCharacterLost(
      @ForAll @AlphaChars @StringLength(min = 5, max = 20) String name, @ForAll int where) {
    int lost = Math.floorMod(where, name.length());
    String misspelt = name.substring(0, lost) + name.substring(lost + 1);
    assertThat(Suggestions.nearest(misspelt, List.of(name, "0123456789"), 2)).containsExactly(name);
  }
}
