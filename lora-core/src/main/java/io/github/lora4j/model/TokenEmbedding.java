package io.github.lora4j.model;

import io.github.lora4j.nn.Embedding;
import io.github.lora4j.nn.EmbeddingLayer;
import io.github.lora4j.nn.ForwardContext;
import io.github.lora4j.nn.Layer;
import io.github.lora4j.nn.LayerChange;
import io.github.lora4j.nn.LinearLayer;
import io.github.lora4j.nn.VirtualTokens;
import io.github.lora4j.tensor.Functional;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.List;
import java.util.Optional;
import java.util.function.BiConsumer;

/**
 * From token ids to what the first block reads.
 *
 * @param virtual what ids that follow the vocabulary stand for, borrowed
 */
record TokenEmbedding(
    DecoderSpec.EmbeddingSpec spec,
    EmbeddingLayer tokens,
    Optional<EmbeddingLayer> positions,
    Optional<LinearLayer> projection,
    Optional<VirtualTokens> virtual)
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
      Tensor x = tokens.forward(virtual.isPresent() ? knownOf(ids) : ids, context);
      if (spec.scale() != 1) {
        // Rounded to the model's dtype before it multiplies, as transformers' Gemma does.
        x = x.mul(Tensor.full(spec.scale(), x.dtype(), x.device(), 1));
      }
      if (virtual.isPresent()) {
        x = x.maskedFill(isVirtual(ids).unsqueeze(-1), 0).add(virtualVectors(ids, x, context));
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

  /** Ids of the table; any will do in the place of a virtual token. */
  private Tensor knownOf(Tensor ids) {
    return ids.maskedFill(isVirtual(ids), 0);
  }

  private Tensor isVirtual(Tensor ids) {
    return ids.gt(Tensor.of(new long[] {spec.vocabSize() - 1L}, 1).to(ids.device()));
  }

  /** Vectors of virtual tokens, zeros elsewhere. */
  private Tensor virtualVectors(Tensor ids, Tensor like, ForwardContext context) {
    try (TensorScope scope = TensorScope.open()) {
      Tensor vectors = virtual.orElseThrow().vectors(context).to(like.dtype());
      Tensor none = Tensor.zeros(like.dtype(), like.device(), 1, vectors.size(1));
      // Row 0 is for all other tokens.
      Tensor shift = Tensor.of(new long[] {1L - spec.vocabSize()}, 1).to(ids.device());
      Tensor first = Tensor.of(new long[] {spec.vocabSize()}, 1).to(ids.device());
      Tensor rows = ids.add(shift).maskedFill(first.gt(ids), 0);
      return scope.handOver(Functional.embedding(rows, Tensor.cat(List.of(none, vectors), 0)));
    }
  }

  TokenEmbedding withVirtual(VirtualTokens given) {
    return new TokenEmbedding(spec, tokens, positions, projection, Optional.of(given));
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
        spec,
        change.embedding(tokens),
        positions.map(change::embedding),
        projection.map(change),
        virtual);
  }

  TokenEmbedding shareWith(LayerChange change) {
    return new TokenEmbedding(
        spec,
        tokens.shareWith(change),
        positions.map(table -> table.shareWith(change)),
        projection.map(change),
        virtual);
  }

  @Override
  public void forEachParameter(BiConsumer<String, Tensor> visitor) {
    tokens.forEachParameter(visitor);
    positions.ifPresent(p -> p.forEachParameter(visitor));
    projection.ifPresent(p -> p.forEachParameter(visitor));
    virtual.ifPresent(v -> v.forEachParameter(visitor));
  }

  @Override
  public void close() {
    tokens.close();
    positions.ifPresent(EmbeddingLayer::close);
    projection.ifPresent(LinearLayer::close);
  }
}
