package io.github.lora4j.testing;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.lora4j.data.Batch;
import io.github.lora4j.data.TokenizedExample;
import io.github.lora4j.io.SafeTensors;
import io.github.lora4j.io.SafeTensorsWriter;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * The parity case of a family, or of a variant of one: a folder that
 * src/test/python/family_cases.py describes.
 *
 * @param name of the folder
 * @param folder with everything in it
 */
public record FamilyCase(String name, Path folder) {

  /** Updates of the training run. */
  public static final int STEPS = 12;

  /** Batches of an update. */
  public static final int ACCUMULATION = 2;

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String BATCHES = "batches.safetensors";

  /** The cases of a folder, by name. */
  public static List<FamilyCase> in(Path folder) {
    try (Stream<Path> found = Files.list(folder)) {
      return found
          .filter(Files::isDirectory)
          .map(dir -> new FamilyCase(dir.getFileName().toString(), dir))
          .sorted((a, b) -> a.name().compareTo(b.name()))
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A copy of a committed case with its files and their weights. */
  public FamilyCase expandedInto(Path work) {
    Path target = work.resolve(name);
    JsonNode description = description();
    try {
      Files.createDirectories(target);
      for (String file : List.of("case.json", "expected.safetensors")) {
        Files.copy(folder.resolve(file), target.resolve(file));
      }
      Files.copy(folder.resolveSibling(BATCHES), target.resolve(BATCHES));
      for (Map.Entry<String, JsonNode> file : description.get("files").properties()) {
        Path copy = target.resolve(file.getKey());
        Files.createDirectories(copy.getParent());
        JSON.writeValue(copy.toFile(), file.getValue());
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    NamedWeights weights = new NamedWeights(description.get("seed").intValue());
    int layers = description.get("layers").intValue();
    description
        .get("weights")
        .properties()
        .forEach(file -> write(target, file.getKey(), shapes(file.getValue(), layers), weights));
    return new FamilyCase(name, target);
  }

  /** Of patterns such as {@code layers.*.mlp} the names in all layers. */
  private static Map<String, long[]> shapes(JsonNode patterns, int layers) {
    Map<String, long[]> shapes = new LinkedHashMap<>();
    patterns
        .properties()
        .forEach(
            entry -> {
              String pattern = entry.getKey();
              long[] shape = JSON.convertValue(entry.getValue(), long[].class);
              for (int layer = 0; layer < (pattern.contains("*") ? layers : 1); layer++) {
                shapes.put(pattern.replace("*", String.valueOf(layer)), shape);
              }
            });
    return shapes;
  }

  private static void write(
      Path target, String file, Map<String, long[]> shapes, NamedWeights weights) {
    try (TensorScope scope = TensorScope.open()) {
      Map<String, Tensor> tensors = new LinkedHashMap<>();
      shapes.forEach(
          (name, shape) ->
              tensors.put(
                  name,
                  file.startsWith("adapters/")
                      ? weights.ofAdapter(name, shape)
                      : file.startsWith("train/")
                          ? weights.ofStart(name, shape)
                          : weights.ofModel(name, shape)));
      SafeTensorsWriter.write(target.resolve(file), tensors);
    }
  }

  /** What the case is, and the numbers of its training run. */
  public JsonNode description() {
    try {
      return JSON.readTree(folder.resolve("case.json").toFile());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The {@code model_type} of its model. */
  public String modelType() {
    return description().get("model_type").textValue();
  }

  /** Whether the activation of its MLP has a kink. */
  public boolean isKinked() {
    return description().get("kinked").booleanValue();
  }

  /** The folder of the model. */
  public Path base() {
    return folder.resolve("base");
  }

  /** A file or folder of the case. */
  public Path at(String path) {
    return folder.resolve(path);
  }

  /** Whether the case has such a file or folder. */
  public boolean has(String path) {
    return Files.exists(folder.resolve(path));
  }

  /** The kinds of adapters that it has, by name. */
  public List<String> adapterKinds() {
    return has("adapters")
        ? in(folder.resolve("adapters")).stream().map(FamilyCase::name).toList()
        : List.of();
  }

  /** What transformers and PEFT computed, for the caller to close. */
  public SafeTensors expected() {
    return SafeTensors.open(folder.resolve("expected.safetensors"));
  }

  /** The numbers of one kind of what transformers and PEFT computed. */
  public float[] expected(String tensor) {
    try (SafeTensors file = expected();
        TensorScope scope = TensorScope.open()) {
      return file.tensor(tensor).toFloatArray();
    }
  }

  /** Two rows, the second padded on the right. */
  public Batch batch() {
    try (SafeTensors file = expected()) {
      return Fixtures.batch(file, "");
    }
  }

  /** The batches of the training run. */
  public List<Batch> trainingBatches() {
    List<Batch> batches = new ArrayList<>();
    try (SafeTensors file = SafeTensors.open(folder.resolve(BATCHES))) {
      for (int n = 0; n < STEPS * ACCUMULATION; n++) {
        batches.add(Fixtures.batch(file, "." + n));
      }
    }
    return batches;
  }

  /** The rows of a batch without their padding on the right. */
  public static List<TokenizedExample> rows(Batch batch) {
    List<TokenizedExample> rows = new ArrayList<>();
    for (int row = 0; row < batch.size(); row++) {
      int from = row * batch.length();
      int[] mask = Arrays.copyOfRange(batch.attentionMask(), from, from + batch.length());
      int to = from + Arrays.stream(mask).sum();
      rows.add(
          new TokenizedExample(
              Arrays.copyOfRange(batch.inputIds(), from, to),
              Arrays.copyOfRange(batch.labels(), from, to)));
    }
    return rows;
  }

  @Override
  public String toString() {
    return name;
  }
}
