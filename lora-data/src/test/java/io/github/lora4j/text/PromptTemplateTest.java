package io.github.lora4j.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.lora4j.dataset.Row;
import io.github.lora4j.error.DatasetException;
import java.util.Map;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PromptTemplateTest {

  private static final PromptTemplate QUESTION =
      PromptTemplate.of("### Question:\n{question}\n### Answer:\n");

  @Test
  void fillsPlaceholdersFromARow() {
    assertThat(QUESTION.render(Row.of(Map.of("question", "Why?", "answer", "So."))))
        .isEqualTo("### Question:\nWhy?\n### Answer:\n");
  }

  @Test
  void fillsAColumnAsOftenAsItIsNamed() {
    PromptTemplate template = PromptTemplate.of("{a}{b} {a}");
    assertThat(template.columns()).containsExactly("a", "b");
    assertThat(template.render(Map.of("a", "1", "b", ""))).isEqualTo("1 1");
  }

  @Test
  void takesDoubledBracesForBracesAndValuesAsTheyAre() {
    PromptTemplate template = PromptTemplate.of("{{\"q\": \"{q}\"}}");
    assertThat(template.render(Map.of("q", "{x} }} {{"))).isEqualTo("{\"q\": \"{x} }} {{\"}");
    assertThat(template.columns()).containsExactly("q");
    assertThat(PromptTemplate.of("{{{q}}}").render(Map.of("q", "1"))).isEqualTo("{1}");
    assertThat(PromptTemplate.of("").render(Map.of())).isEmpty();
  }

  @Test
  void putsASystemMessageInFront() {
    PromptTemplate template = QUESTION.withSystem("Answer in {json}.");
    assertThat(template.render(Map.of("question", "Why?")))
        .isEqualTo("Answer in {json}.\n\n### Question:\nWhy?\n### Answer:\n");
    assertThat(template.columns()).containsExactly("question");
    assertThat(PromptTemplate.of(template.toString())).hasToString(template.toString());
  }

  @Property(tries = 300)
  void readsWhatItWrites(@ForAll String text, @ForAll String value) {
    String escaped = text.replace("{", "{{").replace("}", "}}") + "{c}";
    PromptTemplate template = PromptTemplate.of(escaped);
    assertThat(template).hasToString(escaped);
    assertThat(template.render(Map.of("c", value))).isEqualTo(text + value);
  }

  @ParameterizedTest
  @CsvSource({
    "'a {question', 'line 1, character 3: ''{'' is never closed'",
    "'a\n{question\n{b}', 'line 2, character 1: ''{'' is never closed'",
    "'ab\nc}', 'line 2, character 2: ''}'' closes nothing'",
    "'{}', 'line 1, character 1: {} names no column'",
    "'{{{', 'line 1, character 3: ''{'' is never closed'",
    "'{a}}', 'line 1, character 4: ''}'' closes nothing'"
  })
  void namesThePlaceOfABadBrace(String template, String message) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> PromptTemplate.of(template))
        .withMessageContaining(message);
  }

  @Test
  void namesAMissingValue() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> QUESTION.render(Map.of("q", "Why?")))
        .withMessage("the template needs \"question\", the values are of [q]");
    assertThatThrownBy(() -> QUESTION.render(Row.of("train.csv", 3, Map.of("questions", "Why?"))))
        .isInstanceOf(DatasetException.class)
        .hasMessage(
            "train.csv, line 3, column \"question\": no such column; the file has \"questions\"");
  }
}
