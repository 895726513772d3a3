package io.github.lora4j.model;

import io.github.lora4j.io.Checkpoint;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Decides between a configuration that ties the head and a checkpoint that has one. */
final class TiedHead {

  private static final Logger LOG = LoggerFactory.getLogger(TiedHead.class);

  private TiedHead() {}

  /**
   * Whether a checkpoint holds a head other than the embedding's table, which then counts, as in
   * transformers 5.
   */
  static boolean isContradicted(
      Checkpoint checkpoint, StoredNames names, DecoderSpec spec, ModelConfig config) {
    String table = names.of(spec.embedding().name() + ".weight");
    String head = names.of(spec.head().name() + ".weight");
    if (!checkpoint.names().contains(table) || !checkpoint.names().contains(head)) {
      return false;
    }
    boolean same =
        checkpoint.info(table).shape().equals(checkpoint.info(head).shape())
            && equal(checkpoint, table, head);
    if (!same) {
      LOG.warn(
          "{}: tie_word_embeddings is true, but {} differs from {} in the checkpoint: they are not"
              + " tied.",
          config.source(),
          head,
          table);
    }
    return !same;
  }

  private static boolean equal(Checkpoint checkpoint, String table, String head) {
    try (TensorScope scope = TensorScope.open()) {
      Tensor one = checkpoint.tensor(table);
      Tensor other = checkpoint.tensor(head);
      return one.dtype() == other.dtype()
          ? one.equal(other)
          : one.to(DType.F32).equal(other.to(DType.F32));
    }
  }
}
