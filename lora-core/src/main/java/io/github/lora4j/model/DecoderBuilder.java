package io.github.lora4j.model;

import io.github.lora4j.nn.Attention;
import io.github.lora4j.nn.DenseLinear;
import io.github.lora4j.nn.Embedding;
import io.github.lora4j.nn.GatedMlp;
import io.github.lora4j.nn.LinearLayer;
import io.github.lora4j.nn.RmsNorm;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Builds the layer tree that a {@link DecoderSpec} describes. */
final class DecoderBuilder {

  private final DecoderSpec spec;
  private final ModuleNames names;
  private final WeightSource weights;

  DecoderBuilder(DecoderSpec spec, ModuleNames names, WeightSource weights) {
    this.spec = spec;
    this.names = names;
    this.weights = weights;
  }

  Decoder build() {
    List<DecoderBlock> blocks = new ArrayList<>();
    Embedding embedding =
        new Embedding(
            names.embedTokens(),
            weights.get(names.embedTokens() + ".weight", spec.vocabSize(), spec.hiddenSize()));
    for (int layer = 0; layer < spec.numHiddenLayers(); layer++) {
      blocks.add(block(layer));
    }
    return new Decoder(spec, embedding, blocks, norm(names.norm()));
  }

  private DecoderBlock block(int layer) {
    DecoderSpec.AttentionSpec a = spec.attention();
    DecoderSpec.MlpSpec m = spec.mlp();
    int hidden = spec.hiddenSize();
    RmsNorm inputNorm = norm(names.inLayer(layer, names.inputNorm()));
    Attention attention =
        new Attention(
            linear(layer, names.q(), a.heads() * a.headDim(), hidden, a.qkvBias()),
            linear(layer, names.k(), a.kvHeads() * a.headDim(), hidden, a.qkvBias()),
            linear(layer, names.v(), a.kvHeads() * a.headDim(), hidden, a.qkvBias()),
            linear(layer, names.o(), hidden, a.heads() * a.headDim(), a.outputBias()),
            a.kvHeads(),
            a.headDim(),
            a.scale());
    RmsNorm postNorm = norm(names.inLayer(layer, names.postAttentionNorm()));
    GatedMlp mlp =
        new GatedMlp(
            linear(layer, names.gate(), m.intermediateSize(), hidden, m.bias()),
            linear(layer, names.up(), m.intermediateSize(), hidden, m.bias()),
            linear(layer, names.down(), hidden, m.intermediateSize(), m.bias()),
            m.activation());
    return new DecoderBlock(inputNorm, attention, postNorm, mlp);
  }

  private RmsNorm norm(String name) {
    return new RmsNorm(name, weights.get(name + ".weight", spec.hiddenSize()), spec.normEps());
  }

  private LinearLayer linear(int layer, String part, int out, int in, boolean bias) {
    return linear(names.inLayer(layer, part), out, in, bias);
  }

  LinearLayer linear(String name, int out, int in, boolean bias) {
    return new DenseLinear(
        name,
        weights.get(name + ".weight", out, in),
        bias ? Optional.of(weights.get(name + ".bias", out)) : Optional.empty());
  }
}
