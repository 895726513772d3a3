package io.github.lora4j.model;

import io.github.lora4j.nn.Attention;
import io.github.lora4j.nn.ForwardContext;
import io.github.lora4j.nn.GatedMlp;
import io.github.lora4j.nn.KvCache;
import io.github.lora4j.nn.Layer;
import io.github.lora4j.nn.LinearLayer;
import io.github.lora4j.nn.Norm;
import io.github.lora4j.nn.Residual;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.function.UnaryOperator;

/** Attention and MLP, each behind a norm and added to what came in. */
record DecoderBlock(Norm inputNorm, Attention attention, Norm postAttentionNorm, GatedMlp mlp)
    implements Layer {

  /**
   * Applies the block.
   *
   * @param x {@code [batch, seq, hidden]}
   * @return the same shape, in the caller's scope
   */
  Tensor forward(Tensor x, Attention.Pass pass, Optional<KvCache> cache, ForwardContext context) {
    try (TensorScope scope = TensorScope.open()) {
      Tensor attended = attention.forward(inputNorm.forward(x), pass, cache, context);
      Tensor h = Residual.add(x, attended);
      Tensor mapped = mlp.forward(postAttentionNorm.forward(h), context);
      return scope.handOver(Residual.add(h, mapped));
    }
  }

  boolean hasTrainableParameters() {
    boolean[] found = new boolean[1];
    forEachParameter((name, parameter) -> found[0] |= parameter.requiresGrad());
    return found[0];
  }

  DecoderBlock withLinears(UnaryOperator<LinearLayer> change) {
    return new DecoderBlock(
        inputNorm, attention.withLinears(change), postAttentionNorm, mlp.withLinears(change));
  }

  DecoderBlock shareWith(UnaryOperator<LinearLayer> change) {
    return new DecoderBlock(
        inputNorm.share(),
        attention.withLinears(change),
        postAttentionNorm.share(),
        mlp.withLinears(change));
  }

  @Override
  public void forEachParameter(BiConsumer<String, Tensor> visitor) {
    inputNorm.forEachParameter(visitor);
    attention.forEachParameter(visitor);
    postAttentionNorm.forEachParameter(visitor);
    mlp.forEachParameter(visitor);
  }

  @Override
  public void close() {
    inputNorm.close();
    attention.close();
    postAttentionNorm.close();
    mlp.close();
  }
}
