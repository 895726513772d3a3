package io.github.lora4j.model;

import io.github.lora4j.nn.Embedding;
import io.github.lora4j.nn.EmbeddingLayer;
import io.github.lora4j.nn.ForwardContext;
import io.github.lora4j.nn.Layer;
import io.github.lora4j.nn.LayerChange;
import io.github.lora4j.nn.LinearLayer;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.Optional;
import java.util.function.BiConsumer;

/** From token ids to what the first block reads. */
record TokenEmbedding(
    DecoderSpec.EmbeddingSpec spec,
    EmbeddingLayer tokens,
    Optional<EmbeddingLayer> positions,
    Optional<LinearLayer> projection)
    implements Layer {

  /**
   * Looks vectors up.
   *
   * @param ids I64 {@code [batch, seq]}
   * @param at the positions, I64 {@code [batch or 1, seq]}
   * @return {@code [batch, seq, hidden]}, in the caller's scope
   */
  Tensor forward(Tensor ids, Tensor at, ForwardContext context) {
    try (TensorScope scope = TensorScope.open()) {
      Tensor x = tokens.forward(ids, context);
      if (spec.scale() != 1) {
        // Rounded to the model's dtype before it multiplies, as transformers' Gemma does.
        x = x.mul(Tensor.full(spec.scale(), x.dtype(), x.device(), 1));
      }
      if (projection.isPresent()) {
        x = projection.get().forward(x, context);
      }
      if (positions.isPresent()) {
        long offset = spec.positions().orElseThrow().offset();
        Tensor rows =
            offset == 0 ? at : at.add(Tensor.of(new long[] {offset}, 1, 1).to(at.device()));
        x = x.add(positions.get().forward(rows, context));
      }
      return scope.handOver(x);
    }
  }

  /**
   * The table of tokens, which stays this layer's.
   *
   * @throws IllegalStateException if it isn't a plain one
   */
  Tensor table() {
    if (tokens instanceof Embedding plain) {
      return plain.weight();
    }
    throw new IllegalStateException(
        tokens.name()
            + ": expected a plain table, found "
            + tokens.getClass().getSimpleName()
            + "; merge the adapter first.");
  }

  boolean learns() {
    boolean[] found = new boolean[1];
    forEachParameter((name, parameter) -> found[0] |= parameter.requiresGrad());
    return found[0];
  }

  TokenEmbedding withLinears(LayerChange change) {
    return new TokenEmbedding(
        spec, change.embedding(tokens), positions.map(change::embedding), projection.map(change));
  }

  TokenEmbedding shareWith(LayerChange change) {
    return new TokenEmbedding(
        spec,
        tokens.shareWith(change),
        positions.map(table -> table.shareWith(change)),
        projection.map(change));
  }

  @Override
  public void forEachParameter(BiConsumer<String, Tensor> visitor) {
    tokens.forEachParameter(visitor);
    positions.ifPresent(p -> p.forEachParameter(visitor));
    projection.ifPresent(p -> p.forEachParameter(visitor));
  }

  @Override
  public void close() {
    tokens.close();
    positions.ifPresent(EmbeddingLayer::close);
    projection.ifPresent(LinearLayer::close);
  }
}
