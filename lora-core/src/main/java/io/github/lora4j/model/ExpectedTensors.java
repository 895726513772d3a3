package io.github.lora4j.model;

import io.github.lora4j.io.Checkpoint;
import io.github.lora4j.io.TensorMismatch;
import io.github.lora4j.nn.DenseLinear;
import io.github.lora4j.nn.Layer;
import io.github.lora4j.nn.LinearLayer;
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

/** Learns which tensors a layer tree needs of a checkpoint, by building it of empty ones. */
final class ExpectedTensors implements WeightSource {

  private final Checkpoint checkpoint;
  private final StoredNames names;
  private final Optional<Quantization> stored;
  private final Map<String, List<Long>> shapes = new LinkedHashMap<>();
  private final Map<String, Set<DType>> quantized = new LinkedHashMap<>();

  /**
   * Begins with none.
   *
   * @param stored how the checkpoint is quantized
   */
  ExpectedTensors(Checkpoint checkpoint, StoredNames names, Optional<Quantization> stored) {
    this.checkpoint = checkpoint;
    this.names = names;
    this.stored = stored;
  }

  <T extends Layer> ExpectedTensors of(Function<WeightSource, T> build) {
    try (TensorScope scope = TensorScope.open()) {
      build.apply(this).close();
    }
    return this;
  }

  @Override
  public Tensor get(String name, long... shape) {
    List<Long> sizes = Arrays.stream(shape).boxed().toList();
    names
        .pieces(name)
        .ifPresentOrElse(
            pieces -> addPieces(pieces, sizes), () -> shapes.put(names.of(name), sizes));
    return empty(shape.length);
  }

  @Override
  public LinearLayer linear(LinearShape layer, boolean bias) {
    Optional<Map<String, Quantization.StoredTensor>> tensors =
        stored.flatMap(
            how -> how.storedTensors(layer, checkpoint, names.of(layer.name() + ".weight")));
    if (tensors.isEmpty()) {
      return dense(layer, bias);
    }
    tensors
        .get()
        .forEach(
            (name, tensor) -> {
              shapes.put(name, tensor.shape());
              quantized.put(name, tensor.dtypes());
            });
    return new DenseLinear(layer.name(), empty(2), bias(layer, bias));
  }

  private static Tensor empty(int dims) {
    return Tensor.empty(DType.U8, Device.CPU, new long[dims]);
  }

  private void addPieces(List<StoredExperts.Piece> pieces, List<Long> shape) {
    // Were the names of all experts of all layers more than there can be, the list would be, too.
    if (shapes.size() > names.count()) {
      return;
    }
    for (StoredExperts.Piece piece : pieces) {
      shapes.put(names.of(piece.name()), List.of(piece.rows(), shape.get(2)));
    }
  }

  /** All differences between these and what the checkpoint holds. */
  Optional<String> differences(Predicate<String> ignored) {
    return TensorMismatch.describe(
        checkpoint.names(), checkpoint::info, shapes, quantized, ignored);
  }

  /** The dtypes of those that aren't part of a quantized weight, in the model's order. */
  List<DType> denseDTypes() {
    return shapes.keySet().stream()
        .filter(name -> !quantized.containsKey(name))
        .map(name -> checkpoint.info(name).dtype())
        .distinct()
        .toList();
  }
}
