package io.github.lora4j.model;

import io.github.lora4j.model.DecoderSpec.LinearSpec;
import io.github.lora4j.nn.Attention;
import io.github.lora4j.nn.AttentionShape;
import io.github.lora4j.nn.Embedding;
import io.github.lora4j.nn.EmbeddingLayer;
import io.github.lora4j.nn.ExpertLinear;
import io.github.lora4j.nn.GatedMlp;
import io.github.lora4j.nn.HeadLayerNorm;
import io.github.lora4j.nn.JointGatedMlp;
import io.github.lora4j.nn.LayerNorm;
import io.github.lora4j.nn.LinearLayer;
import io.github.lora4j.nn.Mlp;
import io.github.lora4j.nn.Norm;
import io.github.lora4j.nn.PlainMlp;
import io.github.lora4j.nn.QkNorm;
import io.github.lora4j.nn.QkvProjection;
import io.github.lora4j.nn.RmsNorm;
import io.github.lora4j.nn.SparseMlp;
import io.github.lora4j.nn.StackedLinear;
import io.github.lora4j.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Builds the layer tree that a {@link DecoderSpec} describes. */
final class DecoderBuilder {

  private final DecoderSpec spec;
  private final WeightSource weights;

  DecoderBuilder(DecoderSpec spec, WeightSource weights) {
    this.spec = spec;
    this.weights = weights;
  }

  Decoder build() {
    DecoderSpec.EmbeddingSpec e = spec.embedding();
    Embedding tokens = embedding(e.name(), e.vocabSize(), spec.embeddingSize());
    Optional<EmbeddingLayer> positions =
        e.positions().map(p -> embedding(p.name(), p.rows(), spec.hiddenSize()));
    Optional<LinearLayer> in =
        e.projection().map(p -> linear(p.in(), spec.hiddenSize(), spec.embeddingSize()));
    List<DecoderBlock> blocks = new ArrayList<>();
    for (int layer = 0; layer < spec.numHiddenLayers(); layer++) {
      blocks.add(new BlockBuilder(layer, spec.blocks().get(layer)).build());
    }
    Optional<Norm> norm = spec.norm().map(last -> norm(last.name(), last, spec.hiddenSize()));
    Optional<LinearLayer> out =
        e.projection().map(p -> linear(p.out(), spec.embeddingSize(), spec.hiddenSize()));
    return new Decoder(
        spec, new TokenEmbedding(e, tokens, positions, in, Optional.empty()), blocks, norm, out);
  }

  private Embedding embedding(String name, int rows, int features) {
    return new Embedding(name, weights.get(name + ".weight", rows, features));
  }

  private Norm norm(String name, NormSpec norm, int features) {
    Tensor weight = weights.get(name + ".weight", features);
    return switch (norm.kind()) {
      case RMS -> new RmsNorm(name, weight, norm.eps(), RmsNorm.Weighting.AFTER_ROUNDING);
      case RMS_WIDE -> new RmsNorm(name, weight, norm.eps(), RmsNorm.Weighting.BEFORE_ROUNDING);
      case RMS_ONE_PLUS -> new RmsNorm(name, weight, norm.eps(), RmsNorm.Weighting.ONE_PLUS);
      case LAYER -> new LayerNorm(name, weight, bias(name, norm.bias(), features), norm.eps());
      case LAYER_PER_HEAD ->
          throw new IllegalArgumentException(name + ": a norm by head belongs to queries and keys");
    };
  }

  private Norm headNorm(String name, NormSpec norm, int heads, int headDim) {
    List<Tensor> ofHeads = new ArrayList<>();
    for (int head = 0; head < heads; head++) {
      ofHeads.add(weights.get(HeadLayerNorm.weightName(name, head), headDim));
    }
    return new HeadLayerNorm(name, ofHeads, norm.eps());
  }

  Optional<Tensor> bias(String name, boolean there, int features) {
    return there ? Optional.of(weights.get(name + ".bias", features)) : Optional.empty();
  }

  /** The layer that makes the model's output. */
  LinearLayer head(String name, int out, int in, boolean bias) {
    return weights.linear(new LinearShape(name, out, in, false, true), bias);
  }

  private LinearLayer linear(LinearSpec given, int out, int in) {
    return weights.linear(shape(given, out, in), given.bias());
  }

  private static LinearShape shape(LinearSpec given, int out, int in) {
    return new LinearShape(given.name(), out, in, given.inputFirst(), false);
  }

  /** Builds one block; names of its parts are relative to it. */
  private final class BlockBuilder {
    private final int layer;
    private final BlockSpec block;

    BlockBuilder(int layer, BlockSpec block) {
      this.layer = layer;
      this.block = block;
    }

    DecoderBlock build() {
      // In the order in which transformers lists a block's parameters, norms first.
      Optional<Norm> beforeAttention = norm(block.beforeAttention());
      Attention attention = attention(block.attention());
      Optional<Norm> afterAttention = norm(block.afterAttention());
      Optional<Norm> beforeMlp = norm(block.beforeMlp());
      Mlp mlp = mlp(block.mlp());
      Optional<Norm> afterMlp = norm(block.afterMlp());
      return new DecoderBlock(
          block.arrangement(),
          beforeAttention,
          attention,
          afterAttention,
          beforeMlp,
          mlp,
          afterMlp,
          block.residualScale());
    }

    private Attention attention(AttentionSpec a) {
      AttentionShape shape = a.shape();
      int queries = shape.heads() * shape.headDim();
      int keys = shape.kvHeads() * shape.headDim();
      int hidden = spec.hiddenSize();
      QkvProjection qkv;
      if (a.qkv() instanceof AttentionSpec.SeparateQkv parts) {
        qkv =
            new QkvProjection.Separate(
                linear(parts.q(), queries, hidden),
                linear(parts.k(), keys, hidden),
                linear(parts.v(), keys, hidden));
      } else {
        AttentionSpec.FusedQkv fused = (AttentionSpec.FusedQkv) a.qkv();
        qkv =
            new QkvProjection.Fused(
                linear(fused.qkv(), queries + 2 * keys, hidden), fused.layout());
      }
      LinearLayer output = linear(a.output(), hidden, queries);
      Optional<QkNorm> norms =
          a.norms()
              .map(
                  n ->
                      new QkNorm(
                          qkNorm(n, n.q(), shape.heads(), shape.headDim()),
                          qkNorm(n, n.k(), shape.kvHeads(), shape.headDim()),
                          n.perHead()));
      return new Attention(qkv, norms, output, shape);
    }

    private Norm qkNorm(AttentionSpec.QkNormSpec both, NormSpec norm, int heads, int headDim) {
      if (norm.kind() == NormSpec.Kind.LAYER_PER_HEAD) {
        return headNorm(spec.inLayer(layer, norm.name()), norm, heads, headDim);
      }
      return norm(norm, both.perHead() ? headDim : heads * headDim);
    }

    private Mlp mlp(MlpSpec mlp) {
      int hidden = spec.hiddenSize();
      int wide = mlp.intermediateSize();
      if (mlp instanceof MlpSpec.Gated m) {
        return new GatedMlp(
            linear(m.gate(), wide, hidden),
            linear(m.up(), wide, hidden),
            linear(m.down(), hidden, wide),
            m.activation());
      }
      if (mlp instanceof MlpSpec.JointGated m) {
        return new JointGatedMlp(
            linear(m.gateUp(), 2 * wide, hidden), linear(m.down(), hidden, wide), m.activation());
      }
      if (mlp instanceof MlpSpec.Experts m) {
        return new SparseMlp(
            router(m),
            stacked(m.gateUp(), m.count(), 2L * wide, hidden),
            stacked(m.down(), m.count(), hidden, wide),
            m.activation(),
            m.perToken(),
            m.normalised());
      }
      MlpSpec.Plain m = (MlpSpec.Plain) mlp;
      return new PlainMlp(
          linear(m.up(), wide, hidden), linear(m.down(), hidden, wide), m.activation());
    }

    /** A bare parameter in transformers, and so never quantized. */
    private LinearLayer router(MlpSpec.Experts m) {
      LinearSpec router = LinearSpec.of(spec.inLayer(layer, m.router()), false);
      return weights.dense(shape(router, m.count(), spec.hiddenSize()), false);
    }

    private ExpertLinear stacked(String part, long experts, long out, long in) {
      String name = spec.inLayer(layer, part);
      return new StackedLinear(name, weights.get(name, experts, out, in));
    }

    private Optional<Norm> norm(Optional<NormSpec> norm) {
      return norm.map(given -> norm(given, spec.hiddenSize()));
    }

    private Norm norm(NormSpec norm, int features) {
      return DecoderBuilder.this.norm(spec.inLayer(layer, norm.name()), norm, features);
    }

    private LinearLayer linear(LinearSpec linear, int out, int in) {
      String name = spec.inLayer(layer, linear.name());
      return DecoderBuilder.this.linear(
          new LinearSpec(name, linear.bias(), linear.inputFirst()), out, in);
    }
  }
}
