package io.github.lora4j.text;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.lora4j.error.CheckpointFormatException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/** Finds the chat templates of a model folder. */
final class ChatTemplateFiles {

  private static final String JINJA = "chat_template.jinja";
  private static final String DIRECTORY = "additional_chat_templates";
  private static final String DEFAULT = "default";
  private static final String SUFFIX = ".jinja";

  /** A thousand times the largest in use. */
  private static final long MAX_BYTES = 32L << 20;

  private ChatTemplateFiles() {}

  /**
   * The text of a template.
   *
   * @param place what to call it in messages
   */
  record Source(String place, String text) {}

  /** Returns the templates by name; files of their own come before those in settings. */
  static Map<String, Source> read(Path folder) {
    Map<String, Source> all = new TreeMap<>();
    Path file = folder.resolve(JINJA);
    if (Files.isRegularFile(file)) {
      all.put(DEFAULT, source(file));
    }
    additional(folder, all);
    for (String name : List.of("chat_template.json", "tokenizer_config.json")) {
      if (all.isEmpty()) {
        String place = folder.resolve(name) + ", \"chat_template\"";
        collect(place, TokenizerFiles.settings(folder, name).path("chat_template"), all);
      }
    }
    return all;
  }

  private static void additional(Path folder, Map<String, Source> all) {
    Path directory = folder.resolve(DIRECTORY);
    if (!Files.isDirectory(directory)) {
      return;
    }
    try (Stream<Path> files = Files.list(directory)) {
      for (Path file : files.sorted().toList()) {
        String name = file.getFileName().toString();
        if (name.endsWith(SUFFIX) && Files.isRegularFile(file)) {
          all.put(name.substring(0, name.length() - SUFFIX.length()), source(file));
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot list " + directory, e);
    }
  }

  private static Source source(Path file) {
    return new Source(file.toString(), TokenizerFiles.read(file, MAX_BYTES));
  }

  private static void collect(String place, JsonNode template, Map<String, Source> all) {
    if (template.isTextual()) {
      all.put(DEFAULT, new Source(place, template.asText()));
    } else if (template.isArray()) {
      for (JsonNode each : template) {
        String name = each.path("name").asText();
        if (name.isEmpty() || !each.path("template").isTextual()) {
          throw new CheckpointFormatException(
              place + ": expected objects with \"name\" and \"template\", found " + each);
        }
        all.put(name, new Source(place + " \"" + name + "\"", each.path("template").asText()));
      }
    } else if (template.isObject()) {
      template
          .properties()
          .forEach(
              each ->
                  all.put(
                      each.getKey(),
                      new Source(place + " \"" + each.getKey() + "\"", each.getValue().asText())));
    }
  }
}
