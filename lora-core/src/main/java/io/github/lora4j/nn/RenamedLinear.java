package io.github.lora4j.nn;

import io.github.lora4j.nn.step.StepLinear;
import io.github.lora4j.nn.step.StepPart;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Tensor;
import java.util.Optional;
import java.util.function.BiConsumer;

/** A linear layer under another name; borrowed, unless {@link #share} made it. */
record RenamedLinear(LinearLayer base, String name) implements LinearLayer {

  @Override
  public int inFeatures() {
    return base.inFeatures();
  }

  @Override
  public int outFeatures() {
    return base.outFeatures();
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
  public Tensor forward(Tensor x, ForwardContext context) {
    return base.forward(x, context);
  }

  @Override
  public Optional<StepLinear> step(StepPart part, int pieces) {
    return base.step(part, pieces);
  }

  @Override
  public LinearLayer renamed(String other) {
    return base.renamed(other);
  }

  @Override
  public LinearLayer share() {
    return new RenamedLinear(base.share(), name);
  }

  @Override
  public void forEachParameter(BiConsumer<String, Tensor> visitor) {
    base.forEachParameter(
        (parameter, tensor) ->
            visitor.accept(name + parameter.substring(base.name().length()), tensor));
  }

  @Override
  public void close() {
    base.close();
  }
}
