package io.github.lora4j.internal.jinja;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Small templates with what Jinja2 makes of them: see make_jinja_fixtures.py. */
class JinjaLanguageTest {

  @Test
  void rendersAsJinjaDoes() throws IOException {
    JsonNode fixture;
    try (InputStream in = JinjaLanguageTest.class.getResourceAsStream("/jinja.json")) {
      fixture = new ObjectMapper().readTree(in);
    }
    Map<String, Object> variables =
        new ObjectMapper().convertValue(fixture.get("variables"), new TypeReference<>() {});
    assertThat(fixture.get("templates")).hasSizeGreaterThan(1900);
    List<String> differences = new ArrayList<>();
    for (JsonNode pair : fixture.get("templates")) {
      String expected = pair.get(1).isNull() ? "an error" : "[" + pair.get(1).asText() + "]";
      String found;
      String reason = "";
      try {
        String text =
            JinjaTemplate.parse(pair.get(0).asText()).render(variables, Clock.systemUTC());
        found = "[" + text + "]";
      } catch (JinjaException e) {
        assertThat(e.line()).as(pair.get(0).asText()).isPositive();
        found = "an error";
        reason = e.getMessage();
      }
      if (!found.equals(expected)) {
        differences.add(
            pair.get(0).asText() + "\n  expected " + expected + "\n  found    " + found + reason);
      }
    }
    assertThat(differences).isEmpty();
  }
}
