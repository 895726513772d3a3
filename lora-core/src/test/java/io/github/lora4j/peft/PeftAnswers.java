package io.github.lora4j.peft;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/** What PEFT answered to make_peft_expectations.py. */
final class PeftAnswers {

  static final ObjectMapper JSON = new ObjectMapper();

  private PeftAnswers() {}

  static JsonNode read(String name) throws IOException {
    try (InputStream in = PeftAnswers.class.getResourceAsStream("/peft/" + name)) {
      return JSON.readTree(in);
    }
  }

  static Stream<JsonNode> stream(JsonNode array) {
    return StreamSupport.stream(array.spliterator(), false);
  }

  static List<String> strings(JsonNode array) {
    return stream(array).map(JsonNode::asText).toList();
  }

  static List<ModuleEntry> modules(JsonNode modules) {
    List<ModuleEntry> entries = new ArrayList<>();
    for (JsonNode module : modules) {
      entries.add(
          new ModuleEntry(
              module.get(0).asText(), ModuleEntry.Kind.valueOf(module.get(1).asText())));
    }
    return entries;
  }
}
