package io.github.lora4j.peft;

import io.github.lora4j.nn.EmbeddingLayer;
import io.github.lora4j.nn.ForwardContext;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Tensor;
import java.util.List;
import java.util.function.BiConsumer;

/** A table of which each row of a batch sees another adapter; for evaluation. */
record RowEmbedding(AdaptedEmbedding table, RowAdapters rows) implements EmbeddingLayer {

  @Override
  public Tensor forward(Tensor ids, ForwardContext context) {
    rows.requireRows(name(), ids, 2);
    return rows.apply(
        ids.device(),
        (adapter, index) -> table.forward(ids.indexSelect(0, index), context, List.of(adapter)));
  }

  @Override
  public String name() {
    return table.name();
  }

  @Override
  public int numEmbeddings() {
    return table.numEmbeddings();
  }

  @Override
  public int embeddingDim() {
    return table.embeddingDim();
  }

  @Override
  public DType dtype() {
    return table.dtype();
  }

  @Override
  public Device device() {
    return table.device();
  }

  @Override
  public EmbeddingLayer share() {
    return table.share();
  }

  @Override
  public void forEachParameter(BiConsumer<String, Tensor> visitor) {
    table.forEachParameter(visitor);
  }

  /** Nothing is owned. */
  @Override
  public void close() {}
}
