package io.github.lora4j.model;

import io.github.lora4j.nn.Layer;
import io.github.lora4j.nn.LinearLayer;
import io.github.lora4j.tensor.Tensor;
import java.util.function.BiConsumer;

/** A decoder with the linear layer that turns a hidden state into scores of labels. */
record ScoredLayers(Decoder decoder, LinearLayer score) implements Layer {

  static ScoredLayers build(DecoderSpec spec, int numLabels, WeightSource weights) {
    DecoderBuilder builder = new DecoderBuilder(spec, weights);
    return new ScoredLayers(
        builder.build(), builder.linear("score", numLabels, spec.hiddenSize(), false));
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
