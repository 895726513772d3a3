package io.github.lora4j.model;

import io.github.lora4j.data.TokenizedExample;
import io.github.lora4j.nn.ForwardContext;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Functional;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;

/**
 * Goes from hidden states to the loss a few positions at a time, and straight back, so that the
 * scores of all positions, the largest tensor of a step, never exist at once. The result is that of
 * the whole.
 */
final class ChunkedLoss implements TrainingPass.Top {

  /** Positions of a chunk; TRL's. */
  private static final int CHUNK = 256;

  private final CausalLayers layers;
  private final SupervisedPositions supervised;
  private final ForwardContext context;

  ChunkedLoss(CausalLayers layers, SupervisedPositions supervised, ForwardContext context) {
    this.layers = layers;
    this.supervised = supervised;
    this.context = context;
  }

  /**
   * Sums the loss without gradients.
   *
   * @param hidden {@code [batch, seq, hidden]} behind the last block
   */
  double value(Tensor hidden) {
    try (TensorScope scope = TensorScope.open();
        var region = context.enter(device())) {
      Tensor rows = supervised.select(hidden);
      double sum = 0;
      for (int from = 0; from < supervised.count(); from += CHUNK) {
        sum += loss(rows, from).item();
      }
      return sum;
    }
  }

  @Override
  public double backward(Tensor hidden, double scale) {
    try (TensorScope scope = TensorScope.open()) {
      Tensor rows = supervised.select(hidden);
      Tensor leaf = rows.detach().requiresGrad(hidden.requiresGrad());
      double sum = 0;
      for (int from = 0; from < supervised.count(); from += CHUNK) {
        sum += backward(leaf, from, scale);
      }
      leaf.grad().ifPresent(gradient -> Functional.backward(rows, gradient));
      return sum;
    }
  }

  private double backward(Tensor rows, int from, double scale) {
    try (TensorScope scope = TensorScope.open()) {
      Tensor loss;
      try (var region = context.enter(device())) {
        loss = loss(rows, from);
      }
      if (!loss.requiresGrad()) {
        throw new IllegalStateException(
            "Nothing in this model learns: call requiresGrad(true) on it, wrap it in an adapter, or"
                + " load the adapter as trainable.");
      }
      double value = loss.item();
      Functional.backward(loss.mul(scale));
      return value;
    }
  }

  private Tensor loss(Tensor rows, int from) {
    try (TensorScope scope = TensorScope.open()) {
      int length = Math.min(CHUNK, supervised.count() - from);
      Tensor logits = layers.logits(rows.narrow(0, from, length), context).to(DType.F32);
      Tensor targets = supervised.targets(from, length, device());
      return scope.handOver(
          Functional.crossEntropySum(logits, targets, TokenizedExample.IGNORE_INDEX));
    }
  }

  private Device device() {
    return layers.decoder().device();
  }
}
