package io.github.lora4j.peft;

import io.github.lora4j.nn.Norm;
import io.github.lora4j.tensor.Tensor;
import java.util.function.BiConsumer;
import java.util.function.UnaryOperator;

/** A norm of which each row of a batch sees another adapter; for evaluation. */
record RowNorm(AdaptedNorm norm, RowAdapters rows) implements Norm {

  @Override
  public Tensor forward(Tensor x) {
    rows.requireRows(name(), x, 3);
    return rows.apply(
        x.device(), (adapter, index) -> norm.forward(x.indexSelect(0, index), adapter));
  }

  @Override
  public String name() {
    return norm.name();
  }

  @Override
  public Norm with(String other, UnaryOperator<Tensor> parameters) {
    return norm.with(other, parameters);
  }

  @Override
  public void forEachParameter(BiConsumer<String, Tensor> visitor) {
    norm.forEachParameter(visitor);
  }

  /** Nothing is owned. */
  @Override
  public void close() {}
}
