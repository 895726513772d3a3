package io.github.lora4j.model;

import io.github.lora4j.error.CheckpointFormatException;
import io.github.lora4j.io.Checkpoint;
import io.github.lora4j.nn.Layer;
import io.github.lora4j.nn.LinearLayer;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Predicate;

/**
 * Parameters out of a checkpoint: without a copy where dtype and device are kept, quantized one by
 * one where that is asked for.
 */
final class CheckpointWeights implements WeightSource {

  private final Checkpoint checkpoint;
  private final StoredNames names;
  private final Optional<DType> dtype;
  private final Device device;
  private final Optional<Quantization> stored;
  private final Optional<Quantization> wanted;
  private final Optional<Quantization.Layers> quantized;

  private CheckpointWeights(
      Checkpoint checkpoint,
      StoredNames names,
      ModelConfig config,
      LoadOptions options,
      Optional<Quantization> stored,
      List<DType> found) {
    this.checkpoint = checkpoint;
    this.names = names;
    this.dtype = options.dtype().or(() -> commonDType(config, found));
    this.device = options.device().orElseGet(Device::auto);
    this.stored = stored;
    this.wanted = stored.isPresent() ? Optional.empty() : options.quantization();
    this.quantized =
        stored.or(() -> wanted).map(how -> how.open(dtype.orElseGet(() -> found.get(0)), device));
  }

  /**
   * Builds a layer tree from a folder.
   *
   * @param names what the folder calls the tensors
   * @param stored how they are quantized
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
      Optional<Quantization> stored,
      Function<WeightSource, T> build,
      Predicate<String> ignored) {
    ExpectedTensors expected = new ExpectedTensors(checkpoint, names, stored).of(build);
    expected
        .differences(ignored)
        .ifPresent(
            differences -> {
              throw new CheckpointFormatException(
                  checkpoint.folder()
                      + ": the tensors are not those that config.json describes."
                      + differences);
            });
    CheckpointWeights weights =
        new CheckpointWeights(checkpoint, names, config, options, stored, expected.denseDTypes());
    try (TensorScope scope = TensorScope.open()) {
      return WeightSource.feed(weights, build);
    }
  }

  /**
   * What a checkpoint of several dtypes is converted to, since a model computes in one; empty where
   * there is only one.
   */
  private static Optional<DType> commonDType(ModelConfig config, List<DType> found) {
    return found.size() < 2
        ? Optional.empty()
        : Optional.of(config.dtype().orElseGet(() -> found.get(0)));
  }

  @Override
  public LinearLayer linear(LinearShape layer, boolean bias) {
    String weight = names.of(layer.name() + ".weight");
    if (stored.flatMap(how -> how.storedTensors(layer, checkpoint, weight)).isPresent()) {
      return quantized.orElseThrow().load(layer, checkpoint, weight, bias(layer, bias));
    }
    if (wanted.isEmpty() || !wanted.get().quantizes(layer)) {
      return dense(layer, bias);
    }
    Optional<Tensor> added = bias(layer, bias);
    try (TensorScope scope = TensorScope.open()) {
      Tensor mapped = checkpoint.tensor(weight);
      Tensor rows = layer.inputFirst() ? mapped.transpose(0, 1) : mapped;
      Tensor converted = dtype.isPresent() ? rows.to(dtype.get()) : rows;
      LinearLayer small = quantized.orElseThrow().quantize(layer, converted.contiguous(), added);
      checkpoint.drop(weight);
      return small;
    } catch (RuntimeException | Error e) {
      added.ifPresent(Tensor::close);
      throw e;
    }
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
      Tensor there = TensorScope.keep(converted.to(device));
      if (there.dtype() != stored.dtype() || !device.equals(Device.CPU)) {
        checkpoint.drop(names.of(name));
      }
      return there;
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
          checkpoint.drop(names.of(piece.name()));
        }
      }
      return stack;
    } catch (RuntimeException | Error e) {
      stack.close();
      throw e;
    }
  }
}
