package io.github.lora4j.model;

import io.github.lora4j.data.SequenceLabels;
import io.github.lora4j.nn.ForwardContext;
import io.github.lora4j.tensor.Functional;
import io.github.lora4j.tensor.NoGrad;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;

/** Goes from hidden states to the loss of labelled sequences and back. */
final class ScoreTop implements TrainingPass.Top {

  private final ScoredLayers layers;
  private final PooledTokens pooled;
  private final SequenceLabels labels;
  private final ProblemType problem;
  private final ForwardContext context;

  ScoreTop(
      ScoredLayers layers,
      PooledTokens pooled,
      SequenceLabels labels,
      ProblemType problem,
      ForwardContext context) {
    this.layers = layers;
    this.pooled = pooled;
    this.labels = labels;
    this.problem = problem;
    this.context = context;
  }

  /**
   * Sums the loss without gradients.
   *
   * @param hidden {@code [batch, seq, hidden]} behind the last block
   */
  double value(Tensor hidden) {
    try (TensorScope scope = TensorScope.open()) {
      return loss(layers.scores(pooled.select(hidden), context), 1).value();
    }
  }

  @Override
  public double backward(Tensor hidden, double scale) {
    try (TensorScope scope = TensorScope.open()) {
      Tensor leaf;
      try (NoGrad noGrad = NoGrad.open()) {
        leaf = pooled.select(hidden).requiresGrad(hidden.requiresGrad());
      }
      double value = backwardFromScores(leaf, scale);
      leaf.grad().ifPresent(found -> Functional.backward(pooled.select(hidden), found));
      return value;
    }
  }

  private double backwardFromScores(Tensor rows, double scale) {
    try (Recording recording = Recording.open(context)) {
      Tensor scores;
      try (var region = context.enter(layers.decoder().device())) {
        scores = layers.scores(rows, context);
      }
      if (!scores.requiresGrad()) {
        throw new IllegalStateException(
            "Nothing in this model learns: call requiresGrad(true) on it, wrap it in an adapter, or"
                + " load the adapter as trainable.");
      }
      LabelLoss loss = loss(scores, scale);
      recording.backward(scores, loss.gradient());
      return loss.value();
    }
  }

  private LabelLoss loss(Tensor scores, double scale) {
    return LabelLoss.of(scores, labels, problem, scale, context.labelSmoothing());
  }
}
