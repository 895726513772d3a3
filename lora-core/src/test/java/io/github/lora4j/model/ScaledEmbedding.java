package io.github.lora4j.model;

import io.github.lora4j.nn.EmbeddingLayer;
import io.github.lora4j.nn.ForwardContext;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.function.BiConsumer;

/** A table whose vectors are multiplied by a number that learns: the smallest adapter there is. */
record ScaledEmbedding(EmbeddingLayer base, Tensor factor) implements EmbeddingLayer {

  @Override
  public String name() {
    return base.name();
  }

  @Override
  public int numEmbeddings() {
    return base.numEmbeddings();
  }

  @Override
  public int embeddingDim() {
    return base.embeddingDim();
  }

  @Override
  public DType dtype() {
    return base.dtype();
  }

  @Override
  public Device device() {
    return base.device();
  }

  @Override
  public Tensor forward(Tensor ids, ForwardContext context) {
    try (TensorScope scope = TensorScope.open()) {
      return scope.handOver(base.forward(ids, context).mul(factor));
    }
  }

  @Override
  public EmbeddingLayer share() {
    throw new UnsupportedOperationException(name());
  }

  @Override
  public void forEachParameter(BiConsumer<String, Tensor> visitor) {
    base.forEachParameter(visitor);
    visitor.accept(name() + ".factor", factor);
  }

  @Override
  public void close() {
    factor.close();
  }
}
