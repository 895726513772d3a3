package io.github.lora4j.model;

import io.github.lora4j.error.CheckpointFormatException;
import io.github.lora4j.io.Checkpoint;
import io.github.lora4j.io.TensorMismatch;
import io.github.lora4j.nn.Layer;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Predicate;

/** Parameters out of a checkpoint: without a copy where dtype and device are kept. */
final class CheckpointWeights implements WeightSource {

  private final Checkpoint checkpoint;
  private final StoredNames names;
  private final Optional<DType> dtype;
  private final Device device;

  private CheckpointWeights(
      Checkpoint checkpoint, StoredNames names, Optional<DType> dtype, Device device) {
    this.checkpoint = checkpoint;
    this.names = names;
    this.dtype = dtype;
    this.device = device;
  }

  /**
   * Builds a layer tree from a folder.
   *
   * @param names what the folder calls the tensors
   * @param build asks for each tensor that the tree needs; called twice, first only to learn the
   *     names and shapes
   * @param ignored tensors that may be there though nothing needs them
   * @throws CheckpointFormatException listing all missing, unexpected and misshapen tensors at once
   */
  static <T extends Layer> T load(
      Checkpoint checkpoint,
      StoredNames names,
      ModelConfig config,
      LoadOptions options,
      Function<WeightSource, T> build,
      Predicate<String> ignored) {
    Map<String, List<Long>> expected = new LinkedHashMap<>();
    expected(build)
        .forEach(
            (name, shape) ->
                names
                    .pieces(name)
                    .ifPresentOrElse(
                        pieces -> addPieces(expected, names, pieces, shape),
                        () -> expected.put(names.of(name), shape)));
    requireMatch(checkpoint, expected, ignored);
    CheckpointWeights weights =
        new CheckpointWeights(
            checkpoint,
            names,
            options.dtype().or(() -> commonDType(checkpoint, config, expected.keySet())),
            options.device().orElseGet(Device::auto));
    try (TensorScope scope = TensorScope.open()) {
      return WeightSource.feed(weights, build);
    }
  }

  private static void addPieces(
      Map<String, List<Long>> expected,
      StoredNames names,
      List<StoredExperts.Piece> pieces,
      List<Long> shape) {
    // Were the names of all experts of all layers more than there can be, the list would be, too.
    if (expected.size() > names.count()) {
      return;
    }
    for (StoredExperts.Piece piece : pieces) {
      expected.put(names.of(piece.name()), List.of(piece.rows(), shape.get(2)));
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

  private static <T extends Layer> Map<String, List<Long>> expected(
      Function<WeightSource, T> build) {
    Map<String, List<Long>> shapes = new LinkedHashMap<>();
    try (TensorScope scope = TensorScope.open()) {
      build
          .apply(
              (name, shape) -> {
                shapes.put(name, Arrays.stream(shape).boxed().toList());
                return Tensor.empty(DType.U8, Device.CPU, new long[shape.length]);
              })
          .close();
    }
    return shapes;
  }

  private static void requireMatch(
      Checkpoint checkpoint, Map<String, List<Long>> expected, Predicate<String> ignored) {
    TensorMismatch.describe(checkpoint.names(), checkpoint::info, expected, ignored)
        .ifPresent(
            differences -> {
              throw new CheckpointFormatException(
                  checkpoint.folder()
                      + ": the tensors are not those that config.json describes."
                      + differences);
            });
  }

  @Override
  public Tensor get(String name, long... shape) {
    Optional<List<StoredExperts.Piece>> pieces = names.pieces(name);
    if (pieces.isPresent()) {
      return stacked(pieces.get(), shape);
    }
    try (TensorScope scope = TensorScope.open()) {
      Tensor stored = checkpoint.tensor(names.of(name));
      Tensor converted = dtype.isPresent() ? stored.to(dtype.get()) : stored;
      return TensorScope.keep(converted.to(device));
    }
  }

  /** One stack of many tensors, of which no more than one is held beside it. */
  private Tensor stacked(List<StoredExperts.Piece> pieces, long... shape) {
    String first = names.of(pieces.get(0).name());
    Tensor stack =
        TensorScope.keep(
            Tensor.empty(dtype.orElseGet(() -> checkpoint.info(first).dtype()), device, shape));
    try {
      for (StoredExperts.Piece piece : pieces) {
        try (TensorScope scope = TensorScope.open()) {
          piece.in(stack).copyInPlace(checkpoint.tensor(names.of(piece.name())));
        }
      }
      return stack;
    } catch (RuntimeException | Error e) {
      stack.close();
      throw e;
    }
  }
}
