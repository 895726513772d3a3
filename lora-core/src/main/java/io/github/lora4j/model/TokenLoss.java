package io.github.lora4j.model;

import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Kernels;
import io.github.lora4j.tensor.NoGrad;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;

/**
 * The cross-entropy of tokens and, since nothing comes after it, its gradient at once: in float32,
 * and for float32 scores in their own memory.
 *
 * @param value the sum over the rows
 * @param gradient of {@code scale} times the value, in the dtype of the scores
 */
record TokenLoss(double value, Tensor gradient) {

  /**
   * Computes both.
   *
   * @param scores {@code [n, vocab]}; float32 ones are overwritten
   * @param targets I64 {@code [n]}
   * @param smoothing the share of each target that is spread over the vocabulary evenly
   */
  static TokenLoss of(Tensor scores, Tensor targets, double scale, double smoothing) {
    try (TensorScope scope = TensorScope.open();
        NoGrad noGrad = NoGrad.open()) {
      Tensor logProbabilities = Kernels.logSoftmaxInPlace(scores.detach().to(DType.F32));
      Tensor index = targets.unsqueeze(-1);
      double onTarget = 1 - smoothing;
      double onEach = smoothing / scores.size(-1);
      double value = -onTarget * logProbabilities.gather(-1, index).sum().item();
      if (smoothing > 0) {
        value -= onEach * logProbabilities.sum().item();
      }
      Tensor gradient = logProbabilities.expInPlace(); // the probabilities, less what was asked for
      if (smoothing > 0) {
        gradient.addInPlace(-onEach);
      }
      Tensor asked = Tensor.full(-onTarget, DType.F32, scores.device(), targets.size(0), 1);
      gradient.scatterAddInPlace(-1, index, asked);
      return new TokenLoss(value, scope.handOver(gradient.mulInPlace(scale).to(scores.dtype())));
    }
  }
}
