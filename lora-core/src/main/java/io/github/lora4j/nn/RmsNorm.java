package io.github.lora4j.nn;

import io.github.lora4j.nn.step.StepNorm;
import io.github.lora4j.tensor.CustomFunction;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Rows;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.function.UnaryOperator;

/**
 * Root-mean-square normalisation (Zhang and Sennrich, 2019), computed in float32.
 *
 * <p>Families differ in how the weight is applied, which matters in half precision: see {@link
 * Weighting}.
 */
public final class RmsNorm implements Norm {

  private final String name;
  private final Tensor weight;
  private final double eps;
  private final Weighting weighting;

  /** How the weight is applied. */
  public enum Weighting {
    /** The normalised input is rounded, then multiplied: {@code LlamaRMSNorm}. */
    AFTER_ROUNDING,
    /** Multiplied in float32, then rounded: {@code Olmo2RMSNorm}. */
    BEFORE_ROUNDING,
    /** Multiplied by {@code 1 + weight} in float32, then rounded: {@code GemmaRMSNorm}. */
    ONE_PLUS
  }

  /** A norm as Llama has it. */
  public RmsNorm(String name, Tensor weight, double eps) {
    this(name, weight, eps, Weighting.AFTER_ROUNDING);
  }

  /**
   * Takes ownership of the weight.
   *
   * @param name the module's name in the checkpoint
   * @param weight {@code [hidden]}
   * @param eps added to the mean square
   */
  public RmsNorm(String name, Tensor weight, double eps, Weighting weighting) {
    this.name = name;
    this.weight = weight;
    this.eps = eps;
    this.weighting = weighting;
  }

  @Override
  public Tensor forward(Tensor x) {
    if (Rows.suits(x) && Rows.isReadable(weight)) {
      return fewRows(x);
    }
    try (TensorScope scope = TensorScope.open()) {
      if (CustomFunction.available() && !weight.requiresGrad()) {
        return scope.handOver(FusedRmsNorm.apply(x, factor(), eps));
      }
      Tensor wide = x.to(DType.F32);
      Tensor normalised = wide.mul(wide.square().mean(-1, true).add(eps).rsqrt());
      return scope.handOver(
          weighting == Weighting.AFTER_ROUNDING
              ? normalised.to(x.dtype()).mul(weight).to(x.dtype())
              : normalised.mul(factor()).to(x.dtype()));
    }
  }

  @Override
  public Optional<StepNorm> step() {
    if (!Rows.isReadable(weight)) {
      return Optional.empty();
    }
    float[] factors = Rows.read(weight);
    if (weighting == Weighting.ONE_PLUS) {
      for (int i = 0; i < factors.length; i++) {
        factors[i]++;
      }
    }
    return Optional.of(new Step(factors, (float) eps));
  }

  private record Step(float[] factors, float eps) implements StepNorm {

    @Override
    public int features() {
      return factors.length;
    }

    @Override
    public void apply(float[] x, float[] y, int at) {
      float square = Rows.dot(x, at, x, at, factors.length);
      float inverse = (float) (1 / Math.sqrt(square / factors.length + eps));
      for (int i = 0; i < factors.length; i++) {
        y[at + i] = x[at + i] * inverse * factors[i];
      }
    }
  }

  private Tensor fewRows(Tensor x) {
    float[] values = Rows.read(x);
    float[] factor = Rows.read(weight);
    boolean rounds = x.dtype() == DType.BF16 && weighting == Weighting.AFTER_ROUNDING;
    int features = factor.length;
    for (int row = 0; row < values.length; row += features) {
      float square = Rows.dot(values, row, values, row, features);
      float inverse = (float) (1 / Math.sqrt(square / features + eps));
      for (int i = 0; i < features; i++) {
        float normalised = values[row + i] * inverse;
        float by = weighting == Weighting.ONE_PLUS ? 1 + factor[i] : factor[i];
        values[row + i] = (rounds ? Rows.rounded(normalised) : normalised) * by;
      }
    }
    return Rows.write(values, x.dtype(), x.shape());
  }

  /** What the normalised input is multiplied by; a float32 one is applied before rounding. */
  private Tensor factor() {
    return switch (weighting) {
      case AFTER_ROUNDING -> weight;
      case BEFORE_ROUNDING -> weight.to(DType.F32);
      case ONE_PLUS -> weight.to(DType.F32).add(1);
    };
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public RmsNorm with(String other, UnaryOperator<Tensor> parameters) {
    return new RmsNorm(other, parameters.apply(weight), eps, weighting);
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
