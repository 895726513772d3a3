package io.github.lora4j.internal.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

class PythonJsonTest {

  @Test
  void writesWhatPythonWrites() throws IOException {
    try (InputStream in = getClass().getResourceAsStream("/peft/json_texts.json")) {
      List<List<Object>> answers = new ObjectMapper().readValue(in, new TypeReference<>() {});
      assertThat(answers).hasSizeGreaterThan(70);
      for (List<Object> answer : answers) {
        assertThat(PythonJson.write(answer.get(0))).isEqualTo(answer.get(1));
      }
    }
  }

  @Test
  void refusesWhatJsonCannotSay() {
    assertThatIllegalArgumentException().isThrownBy(() -> PythonJson.write(Double.NaN));
    assertThatIllegalArgumentException().isThrownBy(() -> PythonJson.write(1f));
  }

  @Property
  void everyDoubleReadsBackAsItself(@ForAll double value) {
    assertThat(Double.parseDouble(PythonJson.repr(value))).isEqualTo(value);
  }
}
