package io.github.lora4j.nn;

import io.github.lora4j.nn.step.StepNorm;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Functional;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.function.UnaryOperator;

/** Layer normalisation (Ba et al., 2016): {@code torch.nn.LayerNorm}. */
public final class LayerNorm implements Norm {

  private final String name;
  private final Tensor weight;
  private final Optional<Tensor> bias;
  private final double eps;

  /**
   * Takes ownership of the parameters.
   *
   * @param name the module's name in the checkpoint
   * @param weight {@code [hidden]}
   * @param bias {@code [hidden]}, where there is one
   * @param eps added to the variance
   */
  public LayerNorm(String name, Tensor weight, Optional<Tensor> bias, double eps) {
    this.name = name;
    this.weight = weight;
    this.bias = bias;
    this.eps = eps;
  }

  @Override
  public Tensor forward(Tensor x) {
    DType dtype = x.dtype();
    if (weight.dtype() == dtype) {
      return Functional.layerNorm(x, weight, bias, eps);
    }
    try (TensorScope scope = TensorScope.open()) {
      Tensor wide = x.to(weight.dtype());
      return scope.handOver(Functional.layerNorm(wide, weight, bias, eps).to(dtype));
    }
  }

  @Override
  public Optional<StepNorm> step() {
    return Optional.of(
        new Step(
            weight.toFloatArray(),
            bias.map(Tensor::toFloatArray).orElseGet(() -> new float[(int) weight.size(0)]),
            eps));
  }

  private record Step(float[] factors, float[] bias, double eps) implements StepNorm {

    @Override
    public int features() {
      return factors.length;
    }

    @Override
    public void apply(float[] x, float[] y, int at) {
      double sum = 0;
      for (int i = 0; i < factors.length; i++) {
        sum += x[at + i];
      }
      float mean = (float) (sum / factors.length);
      double squares = 0;
      for (int i = 0; i < factors.length; i++) {
        float rest = x[at + i] - mean;
        squares += rest * rest;
      }
      float inverse = (float) (1 / Math.sqrt(squares / factors.length + eps));
      for (int i = 0; i < factors.length; i++) {
        y[at + i] = (x[at + i] - mean) * inverse * factors[i] + bias[i];
      }
    }
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public LayerNorm with(String other, UnaryOperator<Tensor> parameters) {
    return new LayerNorm(other, parameters.apply(weight), bias.map(parameters), eps);
  }

  @Override
  public void forEachParameter(BiConsumer<String, Tensor> visitor) {
    visitor.accept(name + ".weight", weight);
    bias.ifPresent(b -> visitor.accept(name + ".bias", b));
  }

  @Override
  public void close() {
    weight.close();
    bias.ifPresent(Tensor::close);
  }
}
