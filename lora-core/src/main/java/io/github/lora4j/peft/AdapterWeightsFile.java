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
        for (AdaptedLinear layer : layers.linears()) {
          layer.update(adapter).ifPresent(update -> update.forEachPlain(layer.name(), put));
        }
      }
      contained.ofBase().forEach((key, tensor) -> tensors.put(PREFIX + key, tensor));
      contained
          .tied()
          .forEach(
              (key, twin) ->
                  tensors.put(
                      PREFIX + key,
                      twin.of(
                          Objects.requireNonNull(tensors.get(PREFIX + twin.other())).detach())));
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
   */
  record Contents(Map<String, LoraWeights> updates, Map<String, Tensor> others)
      implements AutoCloseable {

    /** Frees what nobody took. */
    @Override
    public void close() {
      updates.values().forEach(LoraWeights::close);
      others.values().forEach(Tensor::close);
    }
  }

  /**
   * What a file must hold, by names without the prefix.
   *
   * @param updates low-rank updates
   * @param others what takes the place of the base's parameters
   * @param ofBase the base's own parameters that may be there, which must be those of this base
   * @param tied what may be there a second time
   */
  record Contained(
      List<ExpectedUpdate> updates,
      Map<String, List<Long>> others,
      Map<String, Tensor> ofBase,
      Map<String, Twin> tied) {}

  /**
   * A tensor that a file holds twice.
   *
   * @param other the name of the first
   * @param transposed whether the second is its transpose
   */
  record Twin(String other, boolean transposed) {

    private List<Long> shape(List<Long> first) {
      return transposed ? List.of(first.get(1), first.get(0)) : first;
    }

    private Tensor of(Tensor first) {
      return transposed ? first.transpose(0, 1).contiguous() : first.copy();
    }
  }

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
      requireSameBase(file, tensors, expected.ofBase(), device);
      requireTied(file, tensors, expected.tied());
      Map<String, LoraWeights> updates = new LinkedHashMap<>();
      Set<String> there = there(tensors);
      for (ExpectedUpdate layer : expected.updates()) {
        updates.put(layer.module(), layer.read(there, name -> tensor(tensors, name, device)));
      }
      Map<String, Tensor> others = new LinkedHashMap<>();
      expected.others().keySet().forEach(key -> others.put(key, tensor(tensors, key, device)));
      return new Contents(updates, others);
    }
  }

  private static void requireMatch(Path file, SafeTensors tensors, Contained expected) {
    Map<String, List<Long>> shapes = new LinkedHashMap<>();
    Set<String> there = there(tensors);
    for (ExpectedUpdate layer : expected.updates()) {
      layer.shapes(there).forEach((name, shape) -> shapes.put(PREFIX + name, shape));
    }
    expected.others().forEach((name, shape) -> shapes.put(PREFIX + name, shape));
    expected
        .ofBase()
        .forEach(
            (name, tensor) -> {
              if (there.contains(name)) {
                shapes.put(PREFIX + name, Arrays.stream(tensor.shape()).boxed().toList());
              }
            });
    expected
        .tied()
        .forEach(
            (name, twin) -> {
              if (there.contains(name)) {
                List<Long> first = Objects.requireNonNull(shapes.get(PREFIX + twin.other()));
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
                      + differences);
            });
  }

  /** PEFT would replace the base's numbers by those in the file; here the base stays as it is. */
  private static void requireSameBase(
      Path file, SafeTensors tensors, Map<String, Tensor> ofBase, Device device) {
    Set<String> there = there(tensors);
    ofBase.forEach(
        (name, own) -> {
          if (there.contains(name)) {
            try (TensorScope scope = TensorScope.open()) {
              Tensor stored = tensors.tensor(PREFIX + name).to(own.dtype()).to(device);
              if (!stored.equal(own.detach())) {
                throw new AdapterMismatchException(
                    file
                        + ": "
                        + PREFIX
                        + name
                        + " holds other numbers than this base model: the adapter was trained on"
                        + " another one.");
              }
            }
          }
        });
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
