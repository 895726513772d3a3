package io.github.lora4j.peft;

import io.github.lora4j.nn.ForwardContext;
import io.github.lora4j.nn.LinearLayer;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.function.BiConsumer;

/** A linear layer of which each row of a batch sees another adapter; for evaluation. */
final class RowLinear implements LinearLayer {

  private final LinearLayer layer;
  private final LinearLayer base;
  private final Change change;
  private final RowAdapters rows;
  private final int dims;

  /** What an adapter makes of some rows. */
  @FunctionalInterface
  interface Change {

    /**
     * Computes.
     *
     * @param y what the base made of {@code x}, overwritten
     */
    Tensor apply(Tensor y, Tensor x, ForwardContext context, String adapter);
  }

  private RowLinear(
      LinearLayer layer, LinearLayer base, Change change, RowAdapters rows, int dims) {
    this.layer = layer;
    this.base = base;
    this.change = change;
    this.rows = rows;
    this.dims = dims;
  }

  /**
   * Looks at a layer.
   *
   * @param dims the least dimensions of its input, whose first is that of rows
   */
  static RowLinear of(AdaptedLinear layer, RowAdapters rows, int dims) {
    return new RowLinear(layer, layer.base(), layer::adapt, rows, dims);
  }

  /** Looks at a head that follows a table. */
  static RowLinear of(TiedHead head, RowAdapters rows) {
    LinearLayer base = head.head() instanceof AdaptedLinear own ? own.base() : head.head();
    return new RowLinear(head, base, head::adapt, rows, 3);
  }

  @Override
  public Tensor forward(Tensor x, ForwardContext context) {
    rows.requireRows(name(), x, dims);
    try (TensorScope scope = TensorScope.open()) {
      Tensor y = base.forward(x, context);
      return scope.handOver(
          rows.apply(
              x.device(),
              (adapter, index) ->
                  change.apply(
                      y.indexSelect(0, index), x.indexSelect(0, index), context, adapter)));
    }
  }

  @Override
  public String name() {
    return layer.name();
  }

  @Override
  public int inFeatures() {
    return layer.inFeatures();
  }

  @Override
  public int outFeatures() {
    return layer.outFeatures();
  }

  @Override
  public DType dtype() {
    return layer.dtype();
  }

  @Override
  public Device device() {
    return layer.device();
  }

  /** Refused: this is one way to look at another layer. */
  @Override
  public LinearLayer share() {
    return layer.share();
  }

  @Override
  public void forEachParameter(BiConsumer<String, Tensor> visitor) {
    layer.forEachParameter(visitor);
  }

  /** Nothing is owned. */
  @Override
  public void close() {}
}
