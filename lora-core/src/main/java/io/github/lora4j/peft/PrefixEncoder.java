package io.github.lora4j.peft;

import io.github.lora4j.nn.ForwardContext;
import io.github.lora4j.nn.KeyValuePrefix;
import io.github.lora4j.nn.KvCache;
import io.github.lora4j.tensor.Functional;
import io.github.lora4j.tensor.NoGrad;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.Optional;
import java.util.function.BiConsumer;

/**
 * Keys and values of all layers: {@code peft.PrefixEncoder}.
 *
 * @param embedding float32 {@code [count, layers * 2 * kvHeads * headDim]}, keys before values in
 *     each layer; or {@code [count, kvHeads * headDim]} under a projection
 * @param projection what computes the keys and values, where they aren't learnt as they are
 * @param kvHeads heads of keys and values
 */
record PrefixEncoder(Tensor embedding, Optional<Projection> projection, int layers, int kvHeads)
    implements KeyValuePrefix {

  /**
   * A network of two layers with a hyperbolic tangent between them.
   *
   * @param inWeight {@code [hidden, kvHeads * headDim]}
   * @param inBias {@code [hidden]}
   * @param outWeight {@code [layers * 2 * kvHeads * headDim, hidden]}
   * @param outBias {@code [layers * 2 * kvHeads * headDim]}
   */
  record Projection(Tensor inWeight, Tensor inBias, Tensor outWeight, Tensor outBias) {

    /** A range of the features that the network gives. */
    private Tensor part(Tensor embedding, long from, long length) {
      Tensor hidden = Functional.linear(embedding, inWeight, inBias).tanh();
      return Functional.linear(
          hidden, outWeight.narrow(0, from, length), outBias.narrow(0, from, length));
    }
  }

  @Override
  public int count() {
    return Math.toIntExact(embedding.size(0));
  }

  /** Features of a layer's keys and values. */
  private long width() {
    long all = projection.isPresent() ? projection.get().outBias().numel() : embedding.size(1);
    return all / layers;
  }

  @Override
  public KvCache.Entries entries(int layer, ForwardContext context) {
    long width = width();
    Tensor part =
        projection.isPresent()
            ? projection.get().part(embedding, layer * width, width)
            : embedding.narrow(1, layer * width, width);
    Tensor both = part.reshape(count(), 2, kvHeads, width / 2 / kvHeads).permute(1, 2, 0, 3);
    return new KvCache.Entries(both.select(0, 0), both.select(0, 1));
  }

  /** What PEFT saves: what is learnt, or what the network makes of it; the caller's scope's. */
  Tensor flat() {
    try (TensorScope scope = TensorScope.open();
        NoGrad noGrad = NoGrad.open()) {
      return projection.isPresent()
          ? scope.handOver(projection.get().part(embedding, 0, width() * layers))
          : embedding;
    }
  }

  @Override
  public void forEachParameter(BiConsumer<String, Tensor> visitor) {
    visitor.accept("prompt_encoder.embedding.weight", embedding);
    projection.ifPresent(
        network -> {
          visitor.accept("prompt_encoder.transform.0.weight", network.inWeight);
          visitor.accept("prompt_encoder.transform.0.bias", network.inBias);
          visitor.accept("prompt_encoder.transform.2.weight", network.outWeight);
          visitor.accept("prompt_encoder.transform.2.bias", network.outBias);
        });
  }

  @Override
  public void close() {
    forEachParameter((name, tensor) -> tensor.close());
  }
}
