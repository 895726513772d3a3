package io.github.lora4j.peft;

import io.github.lora4j.nn.ForwardContext;
import io.github.lora4j.nn.LinearLayer;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Tensor;
import java.util.function.BiConsumer;

/** A linear layer that shows its inputs to somebody before it computes. The layer is borrowed. */
final class InputRecorder implements LinearLayer {

  private final LinearLayer layer;
  private final BiConsumer<String, Tensor> listener;

  /**
   * Stands around a layer.
   *
   * @param listener takes the module's name and an input {@code [..., in]}, which it borrows
   */
  InputRecorder(LinearLayer layer, BiConsumer<String, Tensor> listener) {
    this.layer = layer;
    this.listener = listener;
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

  @Override
  public Tensor forward(Tensor x, ForwardContext context) {
    listener.accept(layer.name(), x);
    return layer.forward(x, context);
  }

  @Override
  public LinearLayer share() {
    return layer.share();
  }

  @Override
  public void forEachParameter(BiConsumer<String, Tensor> visitor) {
    layer.forEachParameter(visitor);
  }

  /** Nothing: the layer has its owner. */
  @Override
  public void close() {}
}
