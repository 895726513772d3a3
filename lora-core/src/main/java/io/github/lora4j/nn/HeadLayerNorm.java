package io.github.lora4j.nn;

import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Functional;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.List;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.function.UnaryOperator;

/**
 * A layer norm without bias for each head of queries or keys, as StableLM 2 12B has: {@code
 * StableLmLayerNormPerHead}.
 */
public final class HeadLayerNorm implements Norm {

  private final String name;
  private final List<Tensor> weights;
  private final double eps;

  /**
   * Takes ownership of the parameters.
   *
   * @param name the module's name in the checkpoint
   * @param weights {@code [headDim]}, one for each head
   * @param eps added to the variance
   */
  public HeadLayerNorm(String name, List<Tensor> weights, double eps) {
    this.name = name;
    this.weights = List.copyOf(weights);
    this.eps = eps;
  }

  /** The name of a head's weight in the checkpoint. */
  public static String weightName(String name, int head) {
    return name + ".norms." + head + ".weight";
  }

  /**
   * Normalises each head with its own weight.
   *
   * @param x {@code [..., heads, headDim]}
   * @return the same shape and dtype
   */
  @Override
  public Tensor forward(Tensor x) {
    try (TensorScope scope = TensorScope.open()) {
      long headDim = x.size(-1);
      // One norm without weights and one product, rather than a kernel for each head; rounded once.
      Tensor ones = Tensor.full(1, DType.F32, x.device(), headDim);
      Tensor normed = Functional.layerNorm(x.to(DType.F32), ones, Optional.empty(), eps);
      Tensor weight = Tensor.cat(weights, 0).view(weights.size(), headDim);
      return scope.handOver(normed.mul(weight.to(DType.F32)).to(x.dtype()));
    }
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public HeadLayerNorm with(String other, UnaryOperator<Tensor> parameters) {
    return new HeadLayerNorm(other, weights.stream().map(parameters).toList(), eps);
  }

  @Override
  public void forEachParameter(BiConsumer<String, Tensor> visitor) {
    for (int head = 0; head < weights.size(); head++) {
      visitor.accept(weightName(name, head), weights.get(head));
    }
  }

  @Override
  public void close() {
    weights.forEach(Tensor::close);
  }
}
