package io.github.lora4j.peft;

import io.github.lora4j.error.LoraException;
import io.github.lora4j.nn.ForwardContext;
import io.github.lora4j.nn.LinearLayer;
import io.github.lora4j.nn.step.StepLinear;
import io.github.lora4j.tensor.CustomFunction;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Functional;
import io.github.lora4j.tensor.NoGrad;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.Optional;
import java.util.function.BiConsumer;

/**
 * What one adapter adds to one linear layer: {@code scaling * B(A(dropout(x)))} (Hu et al., 2021),
 * and what variants of it do besides.
 *
 * <p>A and B are float32 whatever the base's dtype, as PEFT keeps them; the sum is rounded to the
 * base's. A beginning that takes a part out of the base's weight is a second product of the same
 * rank, subtracted: the base's weight stays as it is and no other is made. One that rounds the
 * weight has a layer of its own, in few bits, which {@link AdaptedLinear} puts in the base's place.
 */
final class LoraUpdate implements LayerPart {

  private final LoraWeights weights;
  private final DoraNorm norm = new DoraNorm();
  private final double atStart;
  private volatile double configured;
  private volatile double dropout;
  private volatile double factor = 1;

  /** The rank; less than the matrices have where smaller ones were swapped in. */
  private int rank;

  LoraUpdate(LoraWeights weights, double scaling, double dropout) {
    this.weights = weights;
    this.atStart = scaling;
    this.configured = scaling;
    this.dropout = dropout;
    this.rank = weights.rank();
  }

  LoraWeights weights() {
    return weights;
  }

  double factor() {
    return factor;
  }

  void factor(double times) {
    factor = times;
    norm.invalidate();
  }

  double scaling() {
    return configured * factor;
  }

  /** The scaling that it began with. */
  double scalingAtStart() {
    return atStart;
  }

  /**
   * Adds the update.
   *
   * @param y what the base made of {@code x}, overwritten where that is possible
   * @param below the base, which DoRA asks once more where inputs are dropped
   * @return the sum, in the dtype of {@code y} or, in plain operations, wider
   */
  Tensor add(Tensor y, Tensor x, LinearLayer below, ForwardContext context) {
    Tensor in = dropped(x, context);
    if (weights.magnitude().isEmpty() && weights.start().isEmpty()) {
      return addProduct(y, in, weights, scaling());
    }
    try (TensorScope scope = TensorScope.open()) {
      Tensor rest = lessStart(y, x);
      if (weights.magnitude().isEmpty()) {
        return scope.handOver(addProduct(rest, in, weights, scaling()));
      }
      Tensor product = in == x ? rest : lessStart(below.forward(in, context), in);
      return scope.handOver(
          DoraUpdate.forward(
              rest,
              DoraUpdate.withoutBias(product, BaseWeights.bias(below)),
              in,
              weights.a(),
              weights.b(),
              scaling(),
              weights.magnitude().get(),
              norm(below)));
    }
  }

  /** Adds the update to a thread's part of the layer; false if it is more than two products. */
  boolean addTo(StepLinear step) {
    return weights.magnitude().isEmpty()
        && weights.bias().isEmpty()
        && weights.start().map(start -> step.add(start.a(), start.b(), -atStart)).orElse(true)
        && step.add(weights.a(), weights.b(), scaling());
  }

  /** Whether all it does in a pass is to add {@code scaling * x Aᵀ Bᵀ}. */
  boolean isProductOfInput(ForwardContext context) {
    return weights.magnitude().isEmpty()
        && weights.start().isEmpty()
        && weights.bias().isEmpty()
        && !(dropout > 0 && context.isTraining());
  }

  private Tensor lessStart(Tensor y, Tensor x) {
    return weights.start().isPresent() ? addProduct(y, x, weights.start().get(), -atStart) : y;
  }

  private static Tensor addProduct(Tensor y, Tensor x, LoraWeights by, double scaling) {
    if (CustomFunction.available()) {
      Tensor sum = FusedUpdate.add(y, x, by, scaling);
      return by.bias().isPresent() ? withBias(sum, by, scaling) : sum;
    }
    try (TensorScope scope = TensorScope.open()) {
      // The scaling goes to the thin side: r numbers a row instead of outFeatures.
      Tensor thin = Functional.linear(x.to(by.a().dtype()), by.a()).mul(scaling);
      Tensor sum = y.add(Functional.linear(thin, by.b()));
      return scope.handOver(by.bias().isPresent() ? withBias(sum, by, scaling) : sum);
    }
  }

  private static Tensor withBias(Tensor sum, LoraWeights by, double scaling) {
    return sum.add(by.bias().orElseThrow(), scaling);
  }

  private Tensor dropped(Tensor x, ForwardContext context) {
    return dropout > 0 && context.isTraining()
        ? Functional.dropout(x, dropout, context.dropout().orElseThrow())
        : x;
  }

  // One thread at a time: others may be evaluating too, and would make the lengths twice.
  private synchronized Tensor norm(LinearLayer below) {
    norm.beside(BaseWeights.identity(below));
    return norm.get(
        weights.a().requiresGrad(),
        () -> {
          try (TensorScope scope = TensorScope.open()) {
            Tensor rest = without(weights.start(), atStart, below);
            // Without a part taken out, the weight stays what it is as long as the base does.
            Tensor squares =
                weights.start().isEmpty() ? norm.rowSquares(rest) : DoraUpdate.rowSquares(rest);
            return scope.handOver(
                DoraUpdate.norm(rest, squares, weights.a(), weights.b(), scaling()));
          }
        });
  }

  /** A layer's weight {@code [out, in]} less what an update began with, in the caller's scope. */
  static Tensor without(Optional<LoraWeights> start, double scaling, LinearLayer layer) {
    Tensor weight = BaseWeights.weight(layer);
    return start.isPresent() ? without(start.get(), scaling, weight) : weight;
  }

  private static Tensor without(LoraWeights start, double scaling, Tensor weight) {
    try (TensorScope scope = TensorScope.open()) {
      Tensor taken = start.b().matmul(start.a()).mul(scaling);
      return scope.handOver(weight.to(DType.F32).add(taken, -1));
    }
  }

  /**
   * What the beginning left of a weight, if it took a part out of it, in the caller's scope.
   *
   * @param weight {@code [out, in]}
   * @return float32
   */
  Optional<Tensor> rest(Tensor weight) {
    return weights.start().map(start -> without(start, atStart, weight));
  }

  /**
   * Adds the update into a weight.
   *
   * @param weight {@code [out, in]}, float32
   * @return a new weight in the caller's scope
   */
  Tensor mergedInto(Tensor weight) {
    try (TensorScope scope = TensorScope.open()) {
      Tensor rest =
          weights.start().isPresent() ? without(weights.start().get(), atStart, weight) : weight;
      return scope.handOver(
          weights.magnitude().isPresent()
              ? DoraUpdate.mergedWeight(
                  rest, weights.a(), weights.b(), scaling(), weights.magnitude().get())
              : rest.add(weights.b().matmul(weights.a()).mul(scaling())));
    }
  }

  /**
   * Adds the bias of B into that of the layer.
   *
   * @throws LoraException if the layer has none, as in PEFT
   */
  Optional<Tensor> mergedIntoBias(String layer, Optional<Tensor> bias) {
    if (weights.bias().isEmpty()) {
      return bias;
    }
    Tensor own =
        bias.orElseThrow(
            () ->
                new LoraException(
                    layer
                        + ": an adapter with loraBias can't be merged where the base has no bias"));
    return Optional.of(own.to(DType.F32).add(weights.bias().get(), scaling()));
  }

  /**
   * Takes the numbers of another update into these matrices, whose further ranks become zero: they
   * then stay so in training too.
   *
   * @param other one of at most this rank; empty for an update that changes nothing
   * @param scaling the other's
   * @param otherDropout the other's
   */
  void swap(Optional<LoraWeights> other, double scaling, double otherDropout) {
    other.ifPresentOrElse(weights::take, weights::clear);
    rank = other.map(LoraWeights::rank).orElse(0);
    configured = scaling;
    dropout = otherDropout;
    factor(1);
  }

  /**
   * Begins anew with other factors, in the same tensors.
   *
   * @param a {@code [r, in]}
   * @param b {@code [out, r]}
   */
  void begin(Tensor a, Tensor b, LinearLayer below) {
    try (TensorScope scope = TensorScope.open();
        NoGrad noGrad = NoGrad.open()) {
      weights.a().copyInPlace(a);
      weights.b().copyInPlace(b);
      weights
          .magnitude()
          .ifPresent(
              own ->
                  own.copyInPlace(
                      DoraUpdate.norm(
                          without(weights.start(), atStart, below),
                          weights.a(),
                          weights.b(),
                          scaling())));
    }
    rank = weights.rank();
    norm.invalidate();
  }

  @Override
  public void requiresGrad(boolean required) {
    weights.requiresGrad(required);
    norm.invalidate();
  }

  @Override
  public void forEachParameter(String module, BiConsumer<String, Tensor> visitor) {
    weights.forEach(module, visitor);
  }

  @Override
  public void forEachSaved(String module, BiConsumer<String, Tensor> visitor) {
    if (rank == weights.rank()) {
      weights.forEach(module, visitor);
    } else if (rank > 0) {
      weights.first(rank).forEach(module, visitor);
    }
  }

  /**
   * The same for an adapter that stands beside the base's whole weight: what this one began with is
   * subtracted in it. The rank is twice this one's, also where nothing was taken out of the base.
   */
  void forEachPlain(String module, BiConsumer<String, Tensor> visitor) {
    PlainLoraConversion.of(weights, weights.start()).forEach(module, visitor);
  }

  @Override
  public void close() {
    norm.close();
    weights.close();
  }
}
