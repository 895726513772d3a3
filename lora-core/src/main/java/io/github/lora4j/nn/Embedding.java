package io.github.lora4j.nn;

import io.github.lora4j.tensor.Functional;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.function.BiConsumer;

/** A table of token vectors: {@code torch.nn.Embedding}. */
public final class Embedding implements Layer {

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

  /** The module's name in the checkpoint. */
  public String name() {
    return name;
  }

  /** The table {@code [vocab, hidden]}, which stays this layer's. */
  public Tensor weight() {
    return weight;
  }

  /**
   * Looks the vectors up.
   *
   * @param ids I64 {@code [batch, seq]}
   * @return {@code [batch, seq, hidden]}
   */
  public Tensor forward(Tensor ids) {
    return Functional.embedding(ids, weight);
  }

  /** A second owner of the same table, to be closed on its own. */
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
