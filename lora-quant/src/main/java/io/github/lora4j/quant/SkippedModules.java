package io.github.lora4j.quant;

import io.github.lora4j.model.LinearShape;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/** The linear layers that aren't quantized: {@code should_convert_module} of transformers. */
final class SkippedModules {

  /**
   * What is read of regular expressions, which may come out of a file that means harm: nothing that
   * can backtrack for long.
   */
  private static final Pattern READABLE =
      Pattern.compile("(?:[\\w\\-]|\\\\\\.|\\\\d\\+|\\.\\*|\\.)++");

  private static final int MAX_LENGTH = 1000;
  private static final int MAX_STARS = 3;

  private final Optional<List<Entry>> entries;

  private record Entry(String text, Pattern pattern) {
    boolean fits(String module) {
      return module.endsWith(text) || pattern.matcher(module).lookingAt();
    }
  }

  private SkippedModules(Optional<List<Entry>> entries) {
    this.entries = entries;
  }

  static SkippedModules of(Optional<List<String>> names) {
    return new SkippedModules(names.map(list -> list.stream().map(SkippedModules::entry).toList()));
  }

  private static Entry entry(String name) {
    if (name.length() > MAX_LENGTH
        || !READABLE.matcher(name).matches()
        || name.chars().filter(c -> c == '*').count() > MAX_STARS) {
      throw new IllegalArgumentException(
          "llmInt8SkipModules: expected names of modules, in which . \\. \\d+ and up to three .*"
              + " are read as regular expressions, found \""
              + (name.length() > 100 ? name.substring(0, 100) + "…" : name)
              + "\"");
    }
    return new Entry(name, Pattern.compile(name));
  }

  boolean contain(LinearShape layer) {
    return entries
        .map(list -> list.stream().anyMatch(entry -> entry.fits(layer.name())))
        .orElse(layer.head());
  }
}
