package io.github.lora4j.model;

import io.github.lora4j.model.DecoderSpec.LinearSpec;
import io.github.lora4j.nn.AttentionShape;
import io.github.lora4j.nn.QkvLayout;
import java.util.Optional;

/**
 * The attention of a block.
 *
 * @param shape what is computed between the projections
 * @param qkv the input projections
 * @param output the output projection
 * @param norms of queries and keys, where there are any
 */
public record AttentionSpec(
    AttentionShape shape, QkvSpec qkv, LinearSpec output, Optional<QkNormSpec> norms) {

  /** The input projections. */
  public sealed interface QkvSpec {}

  /** Three layers. */
  public record SeparateQkv(LinearSpec q, LinearSpec k, LinearSpec v) implements QkvSpec {}

  /** One layer. */
  public record FusedQkv(LinearSpec qkv, QkvLayout layout) implements QkvSpec {}

  /**
   * Norms of queries and keys.
   *
   * @param q of queries
   * @param k of keys
   * @param perHead whether each head is normalised by itself
   */
  public record QkNormSpec(NormSpec q, NormSpec k, boolean perHead) {}

  /** Llama's names: {@code self_attn.q_proj} and so on. */
  public static AttentionSpec llama(AttentionShape shape, boolean qkvBias, boolean outputBias) {
    return new AttentionSpec(
        shape,
        new SeparateQkv(
            LinearSpec.of("self_attn.q_proj", qkvBias),
            LinearSpec.of("self_attn.k_proj", qkvBias),
            LinearSpec.of("self_attn.v_proj", qkvBias)),
        LinearSpec.of("self_attn.o_proj", outputBias),
        Optional.empty());
  }

  /** The same with another output projection. */
  public AttentionSpec withOutput(LinearSpec given) {
    return new AttentionSpec(shape, qkv, given, norms);
  }

  /** The same with norms of queries and keys. */
  public AttentionSpec withNorms(QkNormSpec given) {
    return new AttentionSpec(shape, qkv, output, Optional.of(given));
  }
}
