package io.github.lora4j.quant;

import io.github.lora4j.model.AttentionSpec;
import io.github.lora4j.model.BlockSpec;
import io.github.lora4j.model.DecoderSpec;
import io.github.lora4j.model.MlpSpec;
import io.github.lora4j.model.NormSpec;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Counts what the blocks of a decoder keep of each token on the way forward, for the way back, in
 * bytes.
 *
 * <p>It follows the layers one by one: norms keep their input, attention keeps queries, keys and
 * values, a gated MLP its two wide results; a linear layer keeps its input where something in it
 * learns and nothing where it is frozen. Layers that read one tensor share it, and what an RMS norm
 * or a gated activation made is computed again instead of being kept.
 */
final class KeptActivations {

  private final DecoderSpec spec;
  private final long size; // bytes of a number
  private final Map<String, Integer> ranks;
  private final boolean dropout;
  private final boolean allLearns;

  /**
   * Prepares a count.
   *
   * @param size bytes of a number in the model's dtype
   * @param ranks of the adapted linear layers, by name
   * @param dropout whether each adapted layer reads an input of its own
   * @param allLearns whether all parameters learn, rather than an adapter
   */
  KeptActivations(
      DecoderSpec spec, long size, Map<String, Integer> ranks, boolean dropout, boolean allLearns) {
    this.spec = spec;
    this.size = size;
    this.ranks = ranks;
    this.dropout = dropout;
    this.allLearns = allLearns;
  }

  /** Bytes of a token, summed over all blocks. */
  long ofAllBlocks() {
    long sum = 0;
    boolean learning = allLearns;
    for (int layer = 0; layer < spec.numHiddenLayers(); layer++) {
      sum += new Block(layer, learning).bytes();
      learning |= learnsIn(layer);
    }
    return sum;
  }

  /** Bytes of a token in the block that keeps most, when it is computed again. */
  long ofLargestBlock() {
    long largest = 0;
    for (int layer = 0; layer < spec.numHiddenLayers(); layer++) {
      largest = Math.max(largest, new Block(layer, true).bytes());
    }
    return largest;
  }

  private boolean learnsIn(int layer) {
    String prefix = spec.inLayer(layer, "");
    return ranks.keySet().stream().anyMatch(name -> name.startsWith(prefix));
  }

  /** One block; {@code learning} says whether gradients go further back than it. */
  private final class Block {
    private final int layer;
    private final BlockSpec block;
    private final boolean learning;
    private long bytes;

    Block(int layer, boolean learning) {
      this.layer = layer;
      this.block = spec.blocks().get(layer);
      this.learning = learning;
    }

    long bytes() {
      AttentionSpec attention = block.attention();
      boolean grows = learning || learnsIn(layer);
      norm(block.beforeAttention(), learning);
      attention(attention, grows);
      norm(block.afterAttention(), grows);
      norm(block.beforeMlp(), grows);
      mlp(block.mlp(), grows);
      norm(block.afterMlp(), grows);
      return bytes;
    }

    private void norm(Optional<NormSpec> norm, boolean recorded) {
      if (norm.isPresent() && recorded) {
        norm(norm.get(), spec.hiddenSize(), 1);
      }
    }

    private void norm(NormSpec norm, long features, long rows) {
      boolean layerNorm =
          norm.kind() == NormSpec.Kind.LAYER || norm.kind() == NormSpec.Kind.LAYER_PER_HEAD;
      if (allLearns && !layerNorm) {
        bytes += features * (Float.BYTES + size); // the input in float32, and it normalised
      } else {
        bytes += features * size;
      }
      bytes += rows * (layerNorm ? 2 : 1) * Float.BYTES;
    }

    private void attention(AttentionSpec attention, boolean grows) {
      long headDim = attention.shape().headDim();
      long queries = attention.shape().heads() * headDim;
      long keys = attention.shape().kvHeads() * headDim;
      if (attention.qkv() instanceof AttentionSpec.SeparateQkv parts) {
        inputs(
            spec.hiddenSize(),
            madeAgain(block.beforeAttention(), learning),
            List.of(parts.q().name(), parts.k().name(), parts.v().name()));
      } else {
        AttentionSpec.FusedQkv fused = (AttentionSpec.FusedQkv) attention.qkv();
        inputs(
            spec.hiddenSize(),
            madeAgain(block.beforeAttention(), learning),
            List.of(fused.qkv().name()));
      }
      if (grows) {
        attention
            .norms()
            .ifPresent(
                both -> {
                  norm(both.q(), queries, attention.shape().heads());
                  norm(both.k(), keys, attention.shape().kvHeads());
                });
        bytes += (queries + 2 * keys) * size;
        // Sines and cosines times the scale of the scores.
        bytes += attention.shape().rotary().map(r -> 2L * r.rotaryDim() * size).orElse(0L);
      }
      inputs(queries, false, List.of(attention.output().name()));
    }

    private void mlp(MlpSpec mlp, boolean grows) {
      long wide = mlp.intermediateSize();
      boolean again = madeAgain(block.beforeMlp(), grows);
      if (mlp instanceof MlpSpec.Gated m) {
        inputs(spec.hiddenSize(), again, List.of(m.gate().name(), m.up().name()));
        bytes += grows ? 2 * wide * size : 0;
        inputs(wide, grows && !allLearns, List.of(m.down().name()));
      } else if (mlp instanceof MlpSpec.JointGated m) {
        inputs(spec.hiddenSize(), again, List.of(m.gateUp().name()));
        bytes += grows ? 2 * wide * size : 0;
        inputs(wide, grows && !allLearns, List.of(m.down().name()));
      } else if (mlp instanceof MlpSpec.Plain m) {
        inputs(spec.hiddenSize(), again, List.of(m.up().name()));
        bytes += grows ? wide * size : 0;
        inputs(wide, false, List.of(m.down().name()));
      } else if (mlp instanceof MlpSpec.Experts m && grows) {
        // Of each expert that a token goes to: the gathered row, gate and up, and its result.
        long each = spec.hiddenSize() + 2 * wide + spec.hiddenSize();
        bytes += m.perToken() * each * size;
        bytes += m.count() * (long) Float.BYTES;
      }
    }

    /** Whether what a norm makes is computed again by whoever reads it on the way back. */
    private boolean madeAgain(Optional<NormSpec> norm, boolean recorded) {
      return recorded
          && !allLearns
          && norm.map(NormSpec::kind)
              .filter(kind -> kind != NormSpec.Kind.LAYER && kind != NormSpec.Kind.LAYER_PER_HEAD)
              .isPresent();
    }

    /** The input that some layers read, kept where one of them learns and it isn't made again. */
    private void inputs(long features, boolean again, List<String> readers) {
      boolean kept = allLearns;
      for (String reader : readers) {
        Integer rank = ranks.get(spec.inLayer(layer, reader));
        if (rank != null) {
          bytes += rank * size;
          bytes += dropout ? 2 * features * size : 0; // the input with holes, and the mask
          kept |= !dropout;
        }
      }
      bytes += kept && !again ? features * size : 0;
    }
  }
}
