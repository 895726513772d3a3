package io.github.lora4j.examples.docs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** Code that a document quotes from a file, which it names on the line before, stands there so. */
class QuotedCodeTest {

  private static final Pattern PART =
      Pattern.compile(
          "^`(?<file>\\S+)`:$|^```(?:java|python)\n(?<code>.*?)^```$",
          Pattern.DOTALL | Pattern.MULTILINE);

  @Test
  void addingAModelQuotesTheSources() throws IOException {
    Path root = Snippets.root();
    Matcher part = PART.matcher(Files.readString(root.resolve("docs/ADDING-A-MODEL.md")));
    int quoted = 0;
    String source = "";
    while (part.find()) {
      if (part.group("file") != null) {
        source = Files.readString(root.resolve(part.group("file")));
      } else {
        assertThat(source).contains(part.group("code"));
        quoted++;
      }
    }
    assertThat(quoted).isEqualTo(4);
  }
}
