package io.github.lora4j.peft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.lora4j.error.AdapterMismatchException;
import java.io.IOException;
import java.util.List;
import java.util.function.BiPredicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

class PythonRegexTest {

  @TestFactory
  Stream<DynamicTest> matchesWhatPythonMatches() throws IOException {
    JsonNode answers = PeftAnswers.read("regexes.json");
    List<String> texts = PeftAnswers.strings(answers.get("texts"));
    return PeftAnswers.stream(answers.get("patterns"))
        .map(
            answer -> {
              String pattern = answer.get(0).asText();
              return dynamicTest(
                  "/" + pattern + "/",
                  () -> {
                    assertThat(answer(pattern, texts, PythonRegex::matches))
                        .isEqualTo(answer.get(1).asText());
                    assertThat(answer(pattern, texts, PythonRegex::matchesStart))
                        .isEqualTo(answer.get(2).asText());
                  });
            });
  }

  @Test
  void namesFieldAndPatternWhenThePatternIsNotValid() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> PythonRegex.of("excludeModules", "layers.[0"))
        .withMessageContaining("excludeModules")
        .withMessageContaining("layers.[0");
  }

  @Test
  void refusesConditionalGroups() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> PythonRegex.of("targetModules", "(a)?(?(1)b|c)"))
        .withMessageContaining("conditional group");
  }

  @Test
  void refusesPatternsThatWouldExhaustTheStack() {
    String nested = "(".repeat(4_000) + "a" + ")".repeat(5_000);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> PythonRegex.of("targetModules", nested))
        .withMessageContaining("nested");
  }

  @Test
  void stopsPatternsThatBacktrackWithoutEnd() {
    PythonRegex hostile = PythonRegex.of("targetModules", "((a|aa)+)\\2b");
    assertThatThrownBy(() -> hostile.matches("a".repeat(100)))
        .isInstanceOf(AdapterMismatchException.class)
        .hasMessageContaining("((a|aa)+)\\2b");
  }

  private static String answer(
      String pattern, List<String> texts, BiPredicate<PythonRegex, String> match) {
    PythonRegex regex;
    try {
      regex = PythonRegex.of("targetModules", pattern);
    } catch (IllegalArgumentException e) {
      return "error";
    }
    return texts.stream()
        .map(text -> match.test(regex, text) ? "1" : "0")
        .collect(Collectors.joining());
  }
}
