package io.github.lora4j.testing;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.lora4j.data.Batch;
import io.github.lora4j.data.Dataset;
import io.github.lora4j.data.TokenizedExample;
import io.github.lora4j.io.SafeTensors;
import io.github.lora4j.tensor.Tensor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A case of src/test/python/make_tuner_fixtures.py.
 *
 * @param folder with everything in it
 * @param family the case of the base, with its weights
 */
public record TunerCase(Path folder, FamilyCase family) {

  private static final ObjectMapper JSON = new ObjectMapper();

  /** Finds a case and makes its base in a folder. */
  public static TunerCase of(String name, Path work) {
    Path folder = Fixtures.path("/tuners/" + name);
    String family = description(folder).get("family").textValue();
    return new TunerCase(
        folder,
        new FamilyCase(family, Fixtures.path("/tuners/bases/" + family)).expandedInto(work));
  }

  private static JsonNode description(Path folder) {
    try {
      return JSON.readTree(folder.resolve("case.json").toFile());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The folder of the adapter that PEFT wrote. */
  public Path adapter() {
    return folder.resolve("adapter");
  }

  /** What transformers and PEFT computed, for the caller to close. */
  public SafeTensors expected() {
    return SafeTensors.open(folder.resolve("expected.safetensors"));
  }

  /** A tensor of what they computed, in the caller's scope. */
  public Tensor expected(String name) {
    try (SafeTensors file = expected()) {
      return file.tensor(name).copy();
    }
  }

  /** A number of each step of the run. */
  public double[] steps(String field) {
    List<Double> numbers = new ArrayList<>();
    description(folder).get("steps").forEach(step -> numbers.add(step.get(field).doubleValue()));
    return numbers.stream().mapToDouble(Double::doubleValue).toArray();
  }

  /** The examples of the run, in order. */
  public Dataset<TokenizedExample> examples() {
    List<TokenizedExample> rows = new ArrayList<>();
    for (Batch batch : family.trainingBatches()) {
      rows.addAll(FamilyCase.rows(batch));
    }
    return Dataset.of(rows);
  }

  @Override
  public String toString() {
    return folder.getFileName().toString();
  }
}
