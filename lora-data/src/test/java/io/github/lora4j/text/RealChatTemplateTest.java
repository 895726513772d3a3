package io.github.lora4j.text;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Compares real templates, which are not part of this repository, with what Python makes of them.
 *
 * <p>The system property {@code lora4j.chat.templates} names a folder of them, such as {@code
 * trl/chat_templates} of a Python installation, and {@code lora4j.chat.expected} the file that
 * make_chat_fixtures.py wrote for it.
 */
@Tag("oracle")
class RealChatTemplateTest {

  @Test
  void rendersAllAsPythonDoes() throws IOException {
    String folder = System.getProperty("lora4j.chat.templates", "");
    String expected = System.getProperty("lora4j.chat.expected", "");
    Assumptions.assumeTrue(
        !folder.isEmpty() && !expected.isEmpty(),
        "needs the system properties lora4j.chat.templates and lora4j.chat.expected");
    ChatCases cases = new ChatCases(new ObjectMapper().readTree(Path.of(expected).toFile()));
    assertThat(cases.templates()).isNotEmpty();
    List<String> differences = new ArrayList<>();
    for (String name : cases.templates()) {
      String source = Files.readString(Path.of(folder, name + ".jinja"));
      differences.addAll(cases.differences(name, ChatTemplate.of(source, cases.special())));
    }
    assertThat(differences).isEmpty();
  }
}
