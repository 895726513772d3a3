package io.github.lora4j.model;

import io.github.lora4j.error.CheckpointFormatException;
import io.github.lora4j.io.Checkpoint;
import io.github.lora4j.nn.Layer;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.function.Predicate;

/** Parameters out of a checkpoint: without a copy where dtype and device are kept. */
final class CheckpointWeights implements WeightSource {

  private final Checkpoint checkpoint;
  private final Optional<DType> dtype;
  private final Device device;

  private CheckpointWeights(Checkpoint checkpoint, Optional<DType> dtype, Device device) {
    this.checkpoint = checkpoint;
    this.dtype = dtype;
    this.device = device;
  }

  /**
   * Builds a layer tree from a folder.
   *
   * @param build asks for each tensor that the tree needs; called twice, first only to learn the
   *     names and shapes
   * @param ignored tensors that may be there though nothing needs them
   * @throws CheckpointFormatException listing all missing, unexpected and misshapen tensors at once
   */
  static <T extends Layer> T load(
      Checkpoint checkpoint,
      ModelConfig config,
      LoadOptions options,
      Function<WeightSource, T> build,
      Predicate<String> ignored) {
    Map<String, long[]> expected = expected(build);
    requireMatch(checkpoint, expected, ignored);
    CheckpointWeights weights =
        new CheckpointWeights(
            checkpoint,
            options.dtype().or(() -> commonDType(checkpoint, config, expected.keySet())),
            options.device().orElseGet(Device::auto));
    try (TensorScope scope = TensorScope.open()) {
      return WeightSource.feed(weights, build);
    }
  }

  /**
   * What a checkpoint of several dtypes is converted to, since a model computes in one; empty where
   * there is only one.
   */
  private static Optional<DType> commonDType(
      Checkpoint checkpoint, ModelConfig config, Set<String> names) {
    List<DType> found =
        names.stream().map(name -> checkpoint.info(name).dtype()).distinct().toList();
    return found.size() < 2
        ? Optional.empty()
        : Optional.of(config.dtype().orElseGet(() -> found.get(0)));
  }

  private static <T extends Layer> Map<String, long[]> expected(Function<WeightSource, T> build) {
    Map<String, long[]> shapes = new LinkedHashMap<>();
    try (TensorScope scope = TensorScope.open()) {
      build
          .apply(
              (name, shape) -> {
                shapes.put(name, shape.clone());
                return Tensor.empty(DType.U8, Device.CPU, new long[shape.length]);
              })
          .close();
    }
    return shapes;
  }

  private static void requireMatch(
      Checkpoint checkpoint, Map<String, long[]> expected, Predicate<String> ignored) {
    Set<String> unexpected = new TreeSet<>(checkpoint.names());
    List<String> missing = new ArrayList<>();
    List<String> misshapen = new ArrayList<>();
    expected.forEach(
        (name, shape) -> {
          if (!unexpected.remove(name)) {
            missing.add(name);
          } else if (!Arrays.equals(shape, shapeOf(checkpoint, name))) {
            misshapen.add(
                name
                    + " (expected "
                    + Arrays.toString(shape)
                    + ", found "
                    + Arrays.toString(shapeOf(checkpoint, name))
                    + ")");
          } else if (!checkpoint.info(name).dtype().isFloatingPoint()) {
            misshapen.add(
                name
                    + " (expected a floating-point dtype, found "
                    + checkpoint.info(name).dtype()
                    + ")");
          }
        });
    unexpected.removeIf(ignored);
    if (missing.isEmpty() && unexpected.isEmpty() && misshapen.isEmpty()) {
      return;
    }
    StringBuilder message =
        new StringBuilder()
            .append(checkpoint.folder())
            .append(": the tensors are not those that config.json describes.");
    append(message, "missing", missing);
    append(message, "unexpected", unexpected);
    append(message, "misshapen", misshapen);
    throw new CheckpointFormatException(message.toString());
  }

  private static void append(StringBuilder message, String label, Collection<String> names) {
    if (!names.isEmpty()) {
      message.append("\n  ").append(label).append(": ").append(String.join(", ", names));
    }
  }

  private static long[] shapeOf(Checkpoint checkpoint, String name) {
    return checkpoint.info(name).shape().stream().mapToLong(Long::longValue).toArray();
  }

  @Override
  public Tensor get(String name, long... shape) {
    try (TensorScope scope = TensorScope.open()) {
      Tensor stored = checkpoint.tensor(name);
      Tensor converted = dtype.isPresent() ? stored.to(dtype.get()) : stored;
      return TensorScope.keep(converted.to(device));
    }
  }
}
