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

  /**
   * Takes ownership of the table.
   *
   * @param name the module's name in the checkpoint
   * @param weight {@code [vocab, hidden]}
   */
  public Embedding(String name, Tensor weight) {
    this.name = name;
    this.weight = weight;
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
    return weight.dtype();
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
    return Functional.embedding(ids, weight);
  }

  @Override
  public Embedding share() {
    return new Embedding(name, TensorScope.keep(weight.alias()));
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
