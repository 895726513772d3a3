package io.github.lora4j.model;

import io.github.lora4j.nn.Embedding;
import io.github.lora4j.nn.Layer;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.Optional;
import java.util.function.BiConsumer;

/** From token ids to what the first block reads. */
record TokenEmbedding(
    DecoderSpec.EmbeddingSpec spec, Embedding tokens, Optional<Embedding> positions)
    implements Layer {

  /**
   * Looks vectors up.
   *
   * @param ids I64 {@code [batch, seq]}
   * @param at the positions, I64 {@code [batch or 1, seq]}
   * @return {@code [batch, seq, hidden]}, in the caller's scope
   */
  Tensor forward(Tensor ids, Tensor at) {
    try (TensorScope scope = TensorScope.open()) {
      Tensor x = tokens.forward(ids);
      if (spec.scale() != 1) {
        // Rounded to the model's dtype before it multiplies, as transformers' Gemma does.
        x = x.mul(Tensor.full(spec.scale(), x.dtype(), x.device(), 1));
      }
      if (positions.isPresent()) {
        int offset = spec.positions().orElseThrow().offset();
        Tensor rows = offset == 0 ? at : at.add(offset);
        x = x.add(positions.get().forward(rows));
      }
      return scope.handOver(x);
    }
  }

  boolean learns() {
    return tokens.weight().requiresGrad()
        || positions.map(p -> p.weight().requiresGrad()).orElse(false);
  }

  TokenEmbedding share() {
    return new TokenEmbedding(spec, tokens.share(), positions.map(Embedding::share));
  }

  @Override
  public void forEachParameter(BiConsumer<String, Tensor> visitor) {
    tokens.forEachParameter(visitor);
    positions.ifPresent(p -> p.forEachParameter(visitor));
  }

  @Override
  public void close() {
    tokens.close();
    positions.ifPresent(Embedding::close);
  }
}
