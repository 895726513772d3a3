package io.github.lora4j.model;

import io.github.lora4j.nn.DenseLinear;
import io.github.lora4j.nn.Layer;
import io.github.lora4j.nn.LinearLayer;
import io.github.lora4j.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/** Where a model's parameters come from. */
interface WeightSource {

  /** Gives the caller a tensor to own; called once for each name that was announced. */
  Tensor get(String name, long... shape);

  /**
   * Gives the caller a linear layer to own.
   *
   * @param bias whether it has one
   */
  default LinearLayer linear(LinearShape layer, boolean bias) {
    return dense(layer, bias);
  }

  /** A linear layer with a plain weight. */
  default LinearLayer dense(LinearShape layer, boolean bias) {
    Tensor weight = get(layer.name() + ".weight", layer.denseShape());
    Optional<Tensor> added = bias(layer, bias);
    return layer.inputFirst()
        ? DenseLinear.ofInputFirst(layer.name(), weight, added)
        : new DenseLinear(layer.name(), weight, added);
  }

  /** The bias of a linear layer, where it has one. */
  default Optional<Tensor> bias(LinearShape layer, boolean there) {
    return there ? Optional.of(get(layer.name() + ".bias", layer.outFeatures())) : Optional.empty();
  }

  /**
   * Builds a layer tree from a source; what was taken is freed if the tree can't be finished, as
   * when the memory doesn't suffice.
   */
  static <T extends Layer> T feed(WeightSource source, Function<WeightSource, T> build) {
    Taken taken = new Taken(source);
    try {
      return build.apply(taken);
    } catch (RuntimeException | Error e) {
      taken.freeAll();
      throw e;
    }
  }

  /** Remembers what was taken out of another source. */
  final class Taken implements WeightSource {
    private final WeightSource source;
    private final List<Runnable> closings = new ArrayList<>();

    private Taken(WeightSource source) {
      this.source = source;
    }

    @Override
    public Tensor get(String name, long... shape) {
      Tensor tensor = source.get(name, shape);
      closings.add(tensor::close);
      return tensor;
    }

    @Override
    public LinearLayer linear(LinearShape layer, boolean bias) {
      LinearLayer linear = source.linear(layer, bias);
      closings.add(linear::close);
      return linear;
    }

    private void freeAll() {
      closings.forEach(Runnable::run);
    }
  }
}
