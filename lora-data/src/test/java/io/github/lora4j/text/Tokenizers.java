package io.github.lora4j.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Assumptions;

/** The tokenizers that tests use: two tiny ones beside the tests, and real ones where present. */
final class Tokenizers {

  static final List<String> TINY = List.of("bytelevel", "sentencepiece");
  static final List<String> REAL =
      List.of("stories260k", "tokenizers/gpt2", "tokenizers/llama2", "tokenizers/qwen2");

  private Tokenizers() {}

  /** Returns the folder of a tiny tokenizer. */
  static Path tiny(String name) {
    URL file = Tokenizers.class.getResource("/tokenizers/" + name + "/tokenizer.json");
    assertThat(file).as(name).isNotNull();
    try {
      return Path.of(file.toURI()).getParent();
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Returns the folder of a real tokenizer; skips the test where it is absent. */
  static Path real(String name) {
    String shared = System.getProperty("lora4j.shared", "");
    Path folder = Path.of(shared, "data").resolve(name);
    Assumptions.assumeTrue(
        !shared.isEmpty() && Files.exists(folder.resolve("tokenizer.json")),
        "needs " + folder + ": set the system property lora4j.shared");
    return folder;
  }

  static Path folder(String name) {
    return TINY.contains(name) ? tiny(name) : real(name);
  }

  /** Returns a copy of a folder's tokenizer.json in another one, with these settings beside it. */
  static Path copy(Path from, Path to, String tokenizerConfig) {
    try {
      Files.createDirectories(to);
      Files.copy(from.resolve("tokenizer.json"), to.resolve("tokenizer.json"));
      Files.writeString(to.resolve("tokenizer_config.json"), tokenizerConfig);
      return to;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
