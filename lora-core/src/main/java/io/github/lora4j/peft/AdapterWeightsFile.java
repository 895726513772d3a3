package io.github.lora4j.peft;

import io.github.lora4j.error.AdapterMismatchException;
import io.github.lora4j.io.SafeTensors;
import io.github.lora4j.io.SafeTensorsWriter;
import io.github.lora4j.io.TensorMismatch;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;

/** Reads and writes {@code adapter_model.safetensors} with PEFT's tensor names. */
final class AdapterWeightsFile {

  static final String NAME = "adapter_model.safetensors";

  private static final String PREFIX = "base_model.model.";

  private AdapterWeightsFile() {}

  /**
   * Writes an adapter's weights.
   *
   * @param contained what else belongs into its file
   * @param plain whether what updates began with is put into them
   */
  static void write(
      Path folder, String adapter, AdaptedLayers layers, Contained contained, boolean plain) {
    try (TensorScope scope = TensorScope.open()) {
      Map<String, Tensor> tensors = new LinkedHashMap<>();
      BiConsumer<String, Tensor> put = (key, tensor) -> tensors.put(PREFIX + key, tensor);
      layers.forEachSaved(adapter, put);
      if (plain) {
        layers.forEachPlain(adapter, put);
      }
      for (BaseTables.Parameter own : contained.tables().written()) {
        tensors.computeIfAbsent(
            PREFIX + own.key(), key -> plain ? own.own() : layers.rest(adapter, own));
      }
      contained
          .tied()
          .forEach(
              (key, twin) -> {
                if (twin.written()) {
                  Tensor first = Objects.requireNonNull(tensors.get(PREFIX + twin.other()));
                  tensors.put(PREFIX + key, twin.of(first.detach()));
                }
              });
      SafeTensorsWriter.write(folder.resolve(NAME), tensors);
    }
  }

  /**
   * What one layer's update must look like.
   *
   * @param module the layer's name
   * @param r the rank that the configuration gives it
   * @param in the layer's inputs
   * @param out the layer's outputs
   * @param bias whether B has one
   * @param dora whether there is a magnitude
   * @param older a tensor's name in older versions of transformers
   */
  record Expected(
      String module,
      int r,
      int in,
      int out,
      boolean bias,
      boolean dora,
      UnaryOperator<String> older)
      implements ExpectedUpdate {

    /** What older versions of PEFT call the magnitude. */
    private static final String OLDER_MAGNITUDE = LoraWeights.MAGNITUDE + ".weight";

    @Override
    public Map<String, List<Long>> shapes(Set<String> there) {
      Map<String, List<Long>> shapes = new LinkedHashMap<>();
      shapes.put(name(there, LoraWeights.A), List.of((long) r, (long) in));
      shapes.put(name(there, LoraWeights.B), List.of((long) out, (long) r));
      if (bias) {
        shapes.put(name(there, LoraWeights.B_BIAS), List.of((long) out));
      }
      if (dora) {
        shapes.put(name(there, magnitude(there)), List.of((long) out));
      }
      return shapes;
    }

    @Override
    public LoraWeights read(Set<String> there, Function<String, Tensor> tensor) {
      LoraWeights weights =
          new LoraWeights(
              tensor.apply(name(there, LoraWeights.A)), tensor.apply(name(there, LoraWeights.B)));
      if (bias) {
        weights = weights.withBias(tensor.apply(name(there, LoraWeights.B_BIAS)));
      }
      return dora ? weights.withMagnitude(tensor.apply(name(there, magnitude(there)))) : weights;
    }

    private String magnitude(Set<String> there) {
      return there.contains(module + OLDER_MAGNITUDE) ? OLDER_MAGNITUDE : LoraWeights.MAGNITUDE;
    }

    private String name(Set<String> there, String matrix) {
      String old = older.apply(module + matrix);
      return there.contains(old) ? old : module + matrix;
    }
  }

  /**
   * What a file holds.
   *
   * @param updates low-rank updates, by the layers' names
   * @param others what takes the place of the base's parameters, by its name in the file, without
   *     the prefix
   * @param tables those of the base's tables that aren't this base's, by the modules' names
   */
  record Contents(
      Map<String, LoraWeights> updates, Map<String, Tensor> others, Map<String, StoredTable> tables)
      implements AutoCloseable {

    /** Frees what nobody took. */
    @Override
    public void close() {
      updates.values().forEach(LoraWeights::close);
      others.values().forEach(Tensor::close);
      tables.values().forEach(StoredTable::close);
    }
  }

  /**
   * What a file must hold, by names without the prefix.
   *
   * @param updates low-rank updates
   * @param others what takes the place of the base's parameters
   * @param tables what may be there of the base's table and head
   * @param tied what may be there a second time
   */
  record Contained(
      List<ExpectedUpdate> updates,
      Map<String, List<Long>> others,
      BaseTables tables,
      Map<String, Twin> tied) {}

  /**
   * Reads all weights, in float32, frozen.
   *
   * @throws AdapterMismatchException listing all missing, unexpected and misshapen keys at once
   */
  static Contents read(Path folder, Contained expected, Device device) {
    Path file = folder.resolve(NAME);
    if (!Files.isRegularFile(file)) {
      throw new AdapterMismatchException(
          file
              + " is missing: an adapter folder holds adapter_config.json and "
              + NAME
              + (Files.exists(folder.resolve("adapter_model.bin"))
                  ? "; adapter_model.bin is a pickle, which is never read: save it again with"
                      + " safe_serialization=True."
                  : "."));
    }
    try (SafeTensors tensors = SafeTensors.open(file)) {
      requireMatch(file, tensors, expected);
      requireTied(file, tensors, expected.tied());
      Map<String, LoraWeights> updates = new LinkedHashMap<>();
      Set<String> there = there(tensors);
      Map<String, StoredTable> tables = tables(file, tensors, expected.tables(), device);
      for (ExpectedUpdate layer : expected.updates()) {
        updates.put(layer.module(), layer.read(there, name -> tensor(tensors, name, device)));
      }
      Map<String, Tensor> others = new LinkedHashMap<>();
      expected.others().keySet().forEach(key -> others.put(key, tensor(tensors, key, device)));
      return new Contents(updates, others, tables);
    }
  }

  private static void requireMatch(Path file, SafeTensors tensors, Contained expected) {
    Map<String, List<Long>> shapes = new LinkedHashMap<>();
    Set<String> there = there(tensors);
    for (ExpectedUpdate layer : expected.updates()) {
      layer.shapes(there).forEach((name, shape) -> shapes.put(PREFIX + name, shape));
    }
    expected.others().forEach((name, shape) -> shapes.put(PREFIX + name, shape));
    for (BaseTables.Parameter own : expected.tables().parameters()) {
      if (there.contains(own.key())) {
        shapes.put(PREFIX + own.key(), Arrays.stream(own.own().shape()).boxed().toList());
      }
    }
    expected
        .tied()
        .forEach(
            (name, twin) -> {
              List<Long> first = shapes.get(PREFIX + twin.other());
              if (there.contains(name) && first != null) {
                shapes.put(PREFIX + name, twin.shape(first));
              }
            });
    TensorMismatch.describe(tensors.names(), tensors::info, shapes, name -> false)
        .ifPresent(
            differences -> {
              throw new AdapterMismatchException(
                  file
                      + " doesn't hold the adapter that adapter_config.json describes for this base"
                      + " model."
                      + differences
                      + vocabulary(tensors, expected.tables()));
            });
  }

  /** What to do about tables of another size. */
  private static String vocabulary(SafeTensors tensors, BaseTables tables) {
    for (BaseTables.Parameter own : tables.parameters()) {
      if (tensors.names().contains(PREFIX + own.key())) {
        long rows = tensors.info(PREFIX + own.key()).shape().get(0);
        if (rows != own.own().size(0)) {
          return "\nIt was trained with a vocabulary of %d tokens, this base has %d: resize the base as it was then (resize_token_embeddings in Python), save it, and load that."
              .formatted(rows, own.own().size(0));
        }
      }
    }
    return "";
  }

  private static Map<String, StoredTable> tables(
      Path file, SafeTensors tensors, BaseTables expected, Device device) {
    Set<String> there = there(tensors);
    try (TensorScope scope = TensorScope.open()) {
      return expected.read(
          file.toString(),
          own ->
              there.contains(own.key())
                  ? Optional.of(
                      tensors.tensor(PREFIX + own.key()).to(own.own().dtype()).copy().to(device))
                  : Optional.empty());
    }
  }

  private static void requireTied(Path file, SafeTensors tensors, Map<String, Twin> tied) {
    Set<String> there = there(tensors);
    tied.forEach(
        (name, twin) -> {
          try (TensorScope scope = TensorScope.open()) {
            if (there.contains(name)
                && !tensors
                    .tensor(PREFIX + name)
                    .equal(twin.of(tensors.tensor(PREFIX + twin.other())))) {
              throw new AdapterMismatchException(
                  "%s: %s%s and %s%s are one parameter under ensure_weight_tying, but differ"
                      .formatted(file, PREFIX, name, PREFIX, twin.other()));
            }
          }
        });
  }

  /** The names in the file, without the prefix. */
  private static Set<String> there(SafeTensors tensors) {
    return tensors.names().stream()
        .filter(name -> name.startsWith(PREFIX))
        .map(name -> name.substring(PREFIX.length()))
        .collect(Collectors.toSet());
  }

  /** A copy, not a view of the mapping: adapters are small and their file may be saved over. */
  private static Tensor tensor(SafeTensors tensors, String name, Device device) {
    try (TensorScope scope = TensorScope.open()) {
      return TensorScope.keep(tensors.tensor(PREFIX + name).to(DType.F32).copy().to(device));
    }
  }
}
