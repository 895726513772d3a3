package io.github.lora4j.model;

import io.github.lora4j.data.TokenizedExample;
import io.github.lora4j.nn.ForwardContext;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Functional;
import io.github.lora4j.tensor.NoGrad;
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
        sum += loss(rows.narrow(0, from, length(from)), from).item();
      }
      return sum;
    }
  }

  @Override
  public double backward(Tensor hidden, double scale) {
    try (TensorScope scope = TensorScope.open()) {
      Tensor rows;
      try (NoGrad noGrad = NoGrad.open()) {
        rows = supervised.select(hidden);
      }
      Tensor gradient = Tensor.zeros(rows.dtype(), rows.device(), rows.shape());
      double sum = 0;
      for (int from = 0; from < supervised.count(); from += CHUNK) {
        sum += backward(rows, from, scale, hidden.requiresGrad(), gradient);
      }
      if (hidden.requiresGrad()) {
        Functional.backward(supervised.select(hidden), gradient);
      }
      return sum;
    }
  }

  private double backward(
      Tensor rows, int from, double scale, boolean gradientWanted, Tensor gradient) {
    try (TensorScope scope = TensorScope.open();
        Recording recording = Recording.open(context)) {
      Tensor leaf = rows.narrow(0, from, length(from)).detach().requiresGrad(gradientWanted);
      double value;
      if (context.isPlain()) {
        Tensor loss;
        try (var region = context.enter(device())) {
          loss = loss(leaf, from);
        }
        requireLearning(loss);
        value = loss.item();
        Functional.backward(loss.mul(scale));
      } else {
        Tensor logits = layers.logits(leaf, context);
        requireLearning(logits);
        TokenLoss loss = TokenLoss.of(logits, targets(from), scale, context.labelSmoothing());
        value = loss.value();
        recording.backward(logits, loss.gradient());
      }
      leaf.grad().ifPresent(found -> gradient.narrow(0, from, length(from)).copyInPlace(found));
      return value;
    }
  }

  private static void requireLearning(Tensor result) {
    if (!result.requiresGrad()) {
      throw new IllegalStateException(
          "Nothing in this model learns: call requiresGrad(true) on it, wrap it in an adapter, or"
              + " load the adapter as trainable.");
    }
  }

  private int length(int from) {
    return Math.min(CHUNK, supervised.count() - from);
  }

  private Tensor targets(int from) {
    return supervised.targets(from, length(from), device());
  }

  /** The summed loss of a chunk's rows. */
  private Tensor loss(Tensor chunk, int from) {
    try (TensorScope scope = TensorScope.open()) {
      Tensor logits = layers.logits(chunk, context).to(DType.F32);
      return scope.handOver(
          Functional.crossEntropySum(
              logits, targets(from), TokenizedExample.IGNORE_INDEX, context.labelSmoothing()));
    }
  }

  private Device device() {
    return layers.decoder().device();
  }
}
