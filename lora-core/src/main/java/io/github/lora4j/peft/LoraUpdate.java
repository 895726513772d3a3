package io.github.lora4j.peft;

import io.github.lora4j.nn.ForwardContext;
import io.github.lora4j.tensor.CustomFunction;
import io.github.lora4j.tensor.Functional;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.Optional;
import java.util.function.BiConsumer;

/**
 * What one adapter adds to one linear layer: {@code scaling * B(A(dropout(x)))} (Hu et al., 2021).
 *
 * <p>A and B are float32 whatever the base's dtype, as PEFT keeps them; the sum is rounded to the
 * base's.
 */
final class LoraUpdate implements AutoCloseable {

  private final LoraWeights weights;
  private final double dropout;
  private volatile double configured;
  private volatile double factor = 1;

  /** The rank; less than the matrices have where smaller ones were swapped in. */
  private int rank;

  LoraUpdate(LoraWeights weights, double scaling, double dropout) {
    this.weights = weights;
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
  }

  double scaling() {
    return configured * factor;
  }

  /**
   * Adds the update.
   *
   * @param y what the base made of {@code x}, overwritten where that is possible
   * @return the sum, in the dtype of {@code y} or, in plain operations, wider
   */
  Tensor add(Tensor y, Tensor x, ForwardContext context) {
    if (CustomFunction.available()) {
      return FusedUpdate.add(y, dropped(x, context), weights, scaling());
    }
    try (TensorScope scope = TensorScope.open()) {
      Tensor in = dropped(x.to(weights.a().dtype()), context);
      // The scaling goes to the thin side: r numbers a row instead of outFeatures.
      Tensor thin = Functional.linear(in, weights.a()).mul(scaling());
      return scope.handOver(y.add(Functional.linear(thin, weights.b())));
    }
  }

  private Tensor dropped(Tensor x, ForwardContext context) {
    return dropout > 0 && context.isTraining()
        ? Functional.dropout(x, dropout, context.dropout().orElseThrow())
        : x;
  }

  /**
   * Adds the update into a weight.
   *
   * @param weight {@code [out, in]}, float32
   * @return a new weight in the caller's scope
   */
  Tensor mergedInto(Tensor weight) {
    try (TensorScope scope = TensorScope.open()) {
      return scope.handOver(weight.add(weights.b().matmul(weights.a()).mul(scaling())));
    }
  }

  /**
   * Takes the numbers of another update into these matrices, whose further ranks become zero: they
   * then stay so in training too.
   *
   * @param other one of at most this rank; empty for an update that changes nothing
   * @param scaling the other's
   */
  void swap(Optional<LoraWeights> other, double scaling) {
    other.ifPresentOrElse(weights::take, weights::clear);
    rank = other.map(LoraWeights::rank).orElse(0);
    configured = scaling;
    factor = 1;
  }

  /** Shows what belongs into a file of PEFT with its names there, in the caller's scope. */
  void forEachSaved(String module, BiConsumer<String, Tensor> visitor) {
    if (rank == weights.rank()) {
      weights.forEach(module, visitor);
    } else if (rank > 0) {
      weights.first(rank).forEach(module, visitor);
    }
  }

  @Override
  public void close() {
    weights.close();
  }
}
