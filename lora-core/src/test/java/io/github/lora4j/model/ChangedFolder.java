package io.github.lora4j.model;

import io.github.lora4j.io.Checkpoint;
import io.github.lora4j.io.CheckpointWriter;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;

/** Copies of model folders with other tensors or another configuration. */
final class ChangedFolder {

  private ChangedFolder() {}

  static Path of(
      Path source, Path target, Consumer<Map<String, Tensor>> tensors, UnaryOperator<String> config)
      throws IOException {
    try (Checkpoint checkpoint = Checkpoint.open(source);
        TensorScope scope = TensorScope.open()) {
      Map<String, Tensor> all = new LinkedHashMap<>();
      checkpoint.names().forEach(name -> all.put(name, checkpoint.tensor(name)));
      tensors.accept(all);
      CheckpointWriter.write(target, all);
    }
    String json = Files.readString(source.resolve("config.json"));
    Files.writeString(target.resolve("config.json"), config.apply(json));
    return target;
  }

  /** The same JSON with one key's value replaced, or the key put first where it is missing. */
  static String with(String json, String key, String value) {
    String pattern = "\"" + key + "\":\\s*[^,{}\\[\\]]+?(?=\\s*[,}])";
    String changed = json.replaceFirst(pattern, "\"" + key + "\": " + value);
    return changed.equals(json) && !json.matches("(?s).*" + pattern + ".*")
        ? json.replaceFirst("\\{", "{\"" + key + "\": " + value + ",")
        : changed;
  }
}
