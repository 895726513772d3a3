package io.github.lora4j.nn;

import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Functional;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.function.BiConsumer;

/** A table of token vectors: {@code torch.nn.Embedding}. */
public final class Embedding implements EmbeddingLayer {

  private final String name;
  private final Tensor weight;
  private final DType dtype;

  /**
   * Takes ownership of the table.
   *
   * @param name the module's name in the checkpoint
   * @param weight {@code [vocab, hidden]}
   */
  public Embedding(String name, Tensor weight) {
    this(name, weight, weight.dtype());
  }

  /**
   * A table whose vectors are converted after they are looked up. Takes ownership of it.
   *
   * @param weight {@code [vocab, hidden]}
   * @param dtype of the vectors
   */
  public Embedding(String name, Tensor weight, DType dtype) {
    this.name = name;
    this.weight = weight;
    this.dtype = dtype;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public int numEmbeddings() {
    return Math.toIntExact(weight.size(0));
  }

  @Override
  public int embeddingDim() {
    return Math.toIntExact(weight.size(1));
  }

  @Override
  public DType dtype() {
    return dtype;
  }

  @Override
  public Device device() {
    return weight.device();
  }

  /** The table {@code [vocab, hidden]}, which stays this layer's. */
  public Tensor weight() {
    return weight;
  }

  @Override
  public Tensor forward(Tensor ids, ForwardContext context) {
    try (TensorScope scope = TensorScope.open()) {
      return scope.handOver(Functional.embedding(ids, weight).to(dtype));
    }
  }

  @Override
  public Embedding share() {
    return new Embedding(name, TensorScope.keep(weight.alias()), dtype);
  }

  @Override
  public void forEachParameter(BiConsumer<String, Tensor> visitor) {
    visitor.accept(name + ".weight", weight);
  }

  @Override
  public void close() {
    weight.close();
  }
}
