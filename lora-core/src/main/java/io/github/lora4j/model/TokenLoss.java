package io.github.lora4j.model;

import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Kernels;
import io.github.lora4j.tensor.NoGrad;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;

/**
 * The negative log-likelihood of tokens and, since nothing comes after it, its gradient at once: in
 * float32, and for float32 scores in their own memory.
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
   */
  static TokenLoss of(Tensor scores, Tensor targets, double scale) {
    try (TensorScope scope = TensorScope.open();
        NoGrad noGrad = NoGrad.open()) {
      Tensor logProbabilities = Kernels.logSoftmaxInPlace(scores.detach().to(DType.F32));
      Tensor index = targets.unsqueeze(-1);
      double value = -logProbabilities.gather(-1, index).sum().item();
      Tensor probabilities = logProbabilities.expInPlace();
      Tensor minusOne = Tensor.full(-1, DType.F32, scores.device(), targets.size(0), 1);
      probabilities.scatterAddInPlace(-1, index, minusOne);
      Tensor gradient = probabilities.mulInPlace(scale).to(scores.dtype());
      return new TokenLoss(value, scope.handOver(gradient));
    }
  }
}
