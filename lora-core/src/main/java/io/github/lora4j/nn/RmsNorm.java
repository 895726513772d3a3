package io.github.lora4j.nn;

import io.github.lora4j.tensor.CustomFunction;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.function.BiConsumer;

/**
 * Root-mean-square normalisation (Zhang and Sennrich, 2019), computed in float32 and rounded before
 * the weight is applied, as transformers' {@code LlamaRMSNorm} does.
 */
public final class RmsNorm implements Norm {

  private final String name;
  private final Tensor weight;
  private final double eps;

  /**
   * Takes ownership of the weight.
   *
   * @param name the module's name in the checkpoint
   * @param weight {@code [hidden]}
   * @param eps added to the mean square
   */
  public RmsNorm(String name, Tensor weight, double eps) {
    this.name = name;
    this.weight = weight;
    this.eps = eps;
  }

  @Override
  public Tensor forward(Tensor x) {
    if (CustomFunction.available() && !weight.requiresGrad()) {
      return FusedRmsNorm.apply(x, weight, eps);
    }
    try (TensorScope scope = TensorScope.open()) {
      Tensor wide = x.to(DType.F32);
      Tensor inverse = wide.square().mean(-1, true).add(eps).rsqrt();
      return scope.handOver(wide.mul(inverse).to(x.dtype()).mul(weight));
    }
  }

  @Override
  public RmsNorm share() {
    return new RmsNorm(name, TensorScope.keep(weight.alias()), eps);
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
