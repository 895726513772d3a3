package io.github.lora4j.nn;

import io.github.lora4j.tensor.Functional;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.Optional;
import java.util.function.BiConsumer;

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
    return Functional.layerNorm(x, weight, bias, eps);
  }

  @Override
  public LayerNorm share() {
    return new LayerNorm(
        name, TensorScope.keep(weight.alias()), bias.map(b -> TensorScope.keep(b.alias())), eps);
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
