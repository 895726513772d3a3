package io.github.lora4j.model;

import io.github.lora4j.nn.ForwardContext;
import io.github.lora4j.nn.KeyValuePrefix;
import io.github.lora4j.nn.Layer;
import io.github.lora4j.nn.LayerChange;
import io.github.lora4j.nn.LinearLayer;
import io.github.lora4j.nn.VirtualTokens;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;

/** A decoder with the linear layer that turns a hidden state into scores of labels. */
record ScoredLayers(Decoder decoder, LinearLayer score) implements Layer {

  /** transformers' name of the head, in every family. */
  static final String SCORE = "score";

  /**
   * Builds the layers.
   *
   * @param fresh what the head is drawn from; empty takes it from the weights
   */
  static ScoredLayers build(
      DecoderSpec spec, int numLabels, Optional<FreshHead> fresh, WeightSource weights) {
    DecoderBuilder builder = new DecoderBuilder(spec, weights);
    Decoder decoder = builder.build();
    int in = spec.embeddingSize();
    LinearLayer score =
        fresh.isPresent()
            ? fresh.get().draw(SCORE, numLabels, in, decoder.dtype(), decoder.device())
            : builder.head(SCORE, numLabels, in, false);
    return new ScoredLayers(decoder, score);
  }

  /**
   * Scores labels.
   *
   * @param hidden {@code [..., hidden]}, before the last norm
   * @return {@code [..., labels]}, in the caller's scope
   */
  Tensor scores(Tensor hidden, ForwardContext context) {
    try (TensorScope scope = TensorScope.open()) {
      Tensor input = decoder.headInput(hidden, context).to(score.dtype());
      return scope.handOver(score.forward(input, context));
    }
  }

  /** All parameters by name, in order. */
  Map<String, Tensor> parameters() {
    Map<String, Tensor> parameters = new LinkedHashMap<>();
    forEachParameter(parameters::put);
    return parameters;
  }

  List<LinearLayer> linearLayers() {
    return LayerLists.of(this::withLinears).linears();
  }

  ScoredLayers withLinears(LayerChange change) {
    return new ScoredLayers(decoder.withLinears(change), change.apply(score));
  }

  ScoredLayers withLayers(List<Integer> order) {
    return new ScoredLayers(decoder.withLayers(order), score);
  }

  ScoredLayers withVirtualTokens(VirtualTokens virtual) {
    return new ScoredLayers(decoder.withVirtualTokens(virtual), score);
  }

  ScoredLayers withPrefix(KeyValuePrefix prefix) {
    return new ScoredLayers(decoder.withPrefix(prefix), score);
  }

  ScoredLayers shareWith(LayerChange change) {
    return new ScoredLayers(decoder.shareWith(change), change.apply(score));
  }

  @Override
  public void forEachParameter(BiConsumer<String, Tensor> visitor) {
    decoder.forEachParameter(visitor);
    score.forEachParameter(visitor);
  }

  @Override
  public void close() {
    decoder.close();
    score.close();
  }
}
