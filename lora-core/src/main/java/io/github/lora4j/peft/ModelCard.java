package io.github.lora4j.peft;

import io.github.lora4j.internal.text.PythonJson;
import io.github.lora4j.io.AtomicFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Pattern;

/**
 * The README.md of a saved adapter: what the Hugging Face hub reads, and a few words for people.
 */
final class ModelCard {

  private static final String FILE = "README.md";

  /** What YAML takes as it stands for a string, and nothing else. */
  private static final Pattern PLAIN = Pattern.compile("[A-Za-z_/][A-Za-z0-9_./:-]*(?<!:)");

  private static final Pattern WORDS = Pattern.compile("(?i)true|false|null|yes|no|on|off|y|n");
  private static final Pattern PRINTABLE = Pattern.compile("[ -~]*");

  private ModelCard() {}

  /**
   * Writes the card, unless the folder has a README.md already: that may be somebody's work.
   *
   * @throws java.io.UncheckedIOException if it cannot be written
   */
  static void write(Path folder, LoraConfig config) {
    Path file = folder.resolve(FILE);
    if (!Files.exists(file)) {
      AtomicFile.writeString(file, text(config));
    }
  }

  static String text(LoraConfig config) {
    String base = config.baseModelNameOrPath().orElse("");
    boolean causal = config.taskType().filter(TaskType.CAUSAL_LM::equals).isPresent();
    String task = causal ? "pipeline_tag: text-generation\n" : "";
    String title = base.isEmpty() ? "LoRA adapter" : "LoRA adapter for " + base;
    return """
    ---
    base_model: %s
    library_name: peft
    %stags:
    - %s
    - lora
    - transformers
    ---

    # %s

    A low-rank adapter of rank %d, trained with LoRA4J and saved in PEFT's format. It is no model by
    itself: load it on top of its base model.

    In Java:

    ```java
    PeftModel.fromPretrained(model, Path.of("path/to/this/folder"))
    ```

    In Python:

    ```python
    PeftModel.from_pretrained(model, "path/to/this/folder")
    ```
    """
        .formatted(
            yaml(base), task, yaml("base_model:adapter:" + base), oneLine(title), config.r());
  }

  private static String yaml(String text) {
    if (PLAIN.matcher(text).matches() && !WORDS.matcher(text).matches()) {
      return text;
    }
    return PRINTABLE.matcher(text).matches()
        ? "'" + text.replace("'", "''") + "'"
        : PythonJson.write(text);
  }

  private static String oneLine(String title) {
    return title.replaceAll("\\R", " ");
  }
}
