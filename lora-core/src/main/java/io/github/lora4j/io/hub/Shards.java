package io.github.lora4j.io.hub;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;

/** The shards that an index names; what else stands in it is checked when the model is opened. */
final class Shards {

  private static final JsonMapper JSON = JsonMapper.builder().build();
  private static final long LARGEST_INDEX = 100_000_000;

  private Shards() {}

  /** The names of the shards; empty if the file is no index, or names something unsafe. */
  static Optional<SortedSet<String>> of(Path index) throws IOException {
    if (Files.size(index) > LARGEST_INDEX) {
      return Optional.empty();
    }
    SortedSet<String> names = new TreeSet<>();
    JsonNode map;
    try {
      map = JSON.readTree(Files.readAllBytes(index)).path("weight_map");
    } catch (JsonProcessingException e) {
      return Optional.empty();
    }
    for (JsonNode file : map) {
      String name = file.asText();
      if (!FileNames.safe(name) || name.contains("/") || !name.endsWith(".safetensors")) {
        return Optional.empty();
      }
      names.add(name);
    }
    return names.isEmpty() ? Optional.empty() : Optional.of(names);
  }
}
