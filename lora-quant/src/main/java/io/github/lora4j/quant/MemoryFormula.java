package io.github.lora4j.quant;

import io.github.lora4j.model.DecoderSpec;
import io.github.lora4j.nn.LinearLayer;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Tensor;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What a training step holds, counted from the way it is computed.
 *
 * @param batch sequences
 * @param length tokens of each
 * @param recomputing whether only the blocks' inputs are kept
 */
record MemoryFormula(
    DecoderSpec spec,
    DType dtype,
    KeptActivations kept,
    int batch,
    int length,
    boolean recomputing) {

  /** A JVM with libtorch loaded and a small heap, on Linux: measured. */
  static final long RUNTIME = 245_000_000;

  /** What compiled code, the heap and the buffers of libraries add while training: measured. */
  private static final long GROWTH = 165_000_000;

  /** Gaps where tensors of many sizes come and go, of the activations: measured. */
  private static final double GAPS = 0.2;

  /** Positions whose scores exist at once, and queries whose probabilities do. */
  private static final int CHUNK = 256;

  /** The ranks of the adapted linear layers, by their names. */
  static Map<String, Integer> ranks(List<LinearLayer> layers, Map<String, Tensor> learning) {
    Map<String, Integer> ranks = new HashMap<>();
    for (LinearLayer layer : layers) {
      String prefix = layer.name() + ".";
      learning.forEach(
          (name, tensor) -> {
            if (name.startsWith(prefix)) {
              boolean isA = name.startsWith("lora_A", prefix.length());
              ranks.merge(layer.name(), isA ? (int) tensor.size(0) : 0, Math::max);
            }
          });
    }
    return ranks;
  }

  private long tokens() {
    return (long) batch * length;
  }

  private long hiddenStates() {
    return tokens() * spec.hiddenSize() * dtype.byteSize();
  }

  /** What is kept for the way back: of all blocks, or their inputs and one block. */
  long activations() {
    return recomputing
        ? spec.numHiddenLayers() * hiddenStates() + tokens() * kept.ofLargestBlock()
        : tokens() * kept.ofAllBlocks();
  }

  /** The most that exists for a moment: scores of the vocabulary, or a block's gradients. */
  long temporaries() {
    return Math.max(scores(), Math.max(mlp(), attention())) + 3 * hiddenStates();
  }

  /** Scores, and for others than float32 ones, their probabilities and their gradient too. */
  private long scores() {
    long numbers = Math.min(CHUNK, tokens()) * spec.vocabSize();
    return dtype == DType.F32
        ? numbers * Float.BYTES
        : numbers * (Float.BYTES + 2L * dtype.byteSize());
  }

  private long mlp() {
    long wide =
        spec.blocks().stream().mapToLong(block -> block.mlp().intermediateSize()).max().orElse(0);
    return 4 * tokens() * wide * dtype.byteSize();
  }

  private long attention() {
    long heads =
        spec.blocks().stream()
            .mapToLong(block -> block.attention().shape().heads())
            .max()
            .orElse(0);
    return 3 * batch * heads * Math.min(CHUNK, length) * length * dtype.byteSize();
  }

  /** What grows in a process that trains, and the gaps between tensors: measured. */
  long overhead(long activations) {
    return GROWTH + (long) (GAPS * activations);
  }
}
