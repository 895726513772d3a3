package io.github.lora4j.model;

import io.github.lora4j.nn.Attention;
import io.github.lora4j.nn.ForwardContext;
import io.github.lora4j.nn.KeyValuePrefix;
import io.github.lora4j.nn.KvCache;
import io.github.lora4j.nn.Layer;
import io.github.lora4j.nn.LayerChange;
import io.github.lora4j.nn.Mlp;
import io.github.lora4j.nn.Norm;
import io.github.lora4j.nn.Residual;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.Optional;
import java.util.function.BiConsumer;

/** Attention and MLP with the norms around them, as {@link BlockSpec} has them. */
record DecoderBlock(
    BlockSpec.Arrangement arrangement,
    Optional<Norm> beforeAttention,
    Attention attention,
    Optional<Norm> afterAttention,
    Optional<Norm> beforeMlp,
    Mlp mlp,
    Optional<Norm> afterMlp,
    double residualScale)
    implements Layer {

  /**
   * Applies the block.
   *
   * @param x {@code [batch, seq, hidden]}
   * @return the same shape, in the caller's scope
   */
  Tensor forward(Tensor x, Attention.Pass pass, Optional<KvCache> cache, ForwardContext context) {
    try (TensorScope scope = TensorScope.open()) {
      Tensor read = normed(beforeAttention, x);
      Tensor attended = attention.forward(read, pass, cache, context);
      if (arrangement == BlockSpec.Arrangement.PARALLEL) {
        Tensor alsoRead = beforeMlp.isPresent() ? normed(beforeMlp, x) : read;
        Tensor h = add(x, attended, afterAttention);
        return scope.handOver(add(h, mlp.forward(alsoRead, context), afterMlp));
      }
      Tensor h = add(x, attended, afterAttention);
      return scope.handOver(add(h, mlp.forward(normed(beforeMlp, h), context), afterMlp));
    }
  }

  private Tensor add(Tensor x, Tensor part, Optional<Norm> norm) {
    if (arrangement == BlockSpec.Arrangement.NORM_OF_SUM) {
      return normed(norm, Residual.add(x, scaled(part)));
    }
    return Residual.add(x, scaled(normed(norm, part)));
  }

  private Tensor scaled(Tensor part) {
    return residualScale == 1 ? part : part.mul(residualScale);
  }

  private static Tensor normed(Optional<Norm> norm, Tensor x) {
    return norm.isPresent() ? norm.get().forward(x) : x;
  }

  boolean hasTrainableParameters() {
    boolean[] found = new boolean[1];
    forEachParameter((name, parameter) -> found[0] |= parameter.requiresGrad());
    return found[0];
  }

  DecoderBlock withPrefix(KeyValuePrefix.OfLayer prefix) {
    return new DecoderBlock(
        arrangement,
        beforeAttention,
        attention.withPrefix(prefix),
        afterAttention,
        beforeMlp,
        mlp,
        afterMlp,
        residualScale);
  }

  DecoderBlock withLinears(LayerChange change) {
    return new DecoderBlock(
        arrangement,
        beforeAttention.map(change::norm),
        attention.withLinears(change),
        afterAttention.map(change::norm),
        beforeMlp.map(change::norm),
        mlp.withLinears(change),
        afterMlp.map(change::norm),
        residualScale);
  }

  DecoderBlock shareWith(LayerChange change) {
    return new DecoderBlock(
        arrangement,
        beforeAttention.map(norm -> norm.shareWith(change)),
        attention.shareWith(change),
        afterAttention.map(norm -> norm.shareWith(change)),
        beforeMlp.map(norm -> norm.shareWith(change)),
        mlp.shareWith(change),
        afterMlp.map(norm -> norm.shareWith(change)),
        residualScale);
  }

  @Override
  public void forEachParameter(BiConsumer<String, Tensor> visitor) {
    beforeAttention.ifPresent(norm -> norm.forEachParameter(visitor));
    attention.forEachParameter(visitor);
    afterAttention.ifPresent(norm -> norm.forEachParameter(visitor));
    beforeMlp.ifPresent(norm -> norm.forEachParameter(visitor));
    mlp.forEachParameter(visitor);
    afterMlp.ifPresent(norm -> norm.forEachParameter(visitor));
  }

  @Override
  public void close() {
    beforeAttention.ifPresent(Norm::close);
    attention.close();
    afterAttention.ifPresent(Norm::close);
    beforeMlp.ifPresent(Norm::close);
    mlp.close();
    afterMlp.ifPresent(Norm::close);
  }
}
