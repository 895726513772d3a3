package io.github.lora4j.model;

import io.github.lora4j.tensor.CustomFunction;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;

/** What happens to scores behind the head: multiplied (Granite), bounded (Gemma 2), or nothing. */
final class Scores {

  private Scores() {}

  /**
   * Changes scores as the head's specification says, in their own memory where that may be.
   *
   * @param scores {@code [..., vocab]}, looked at by nobody else
   */
  static Tensor of(DecoderSpec.HeadSpec head, Tensor scores) {
    if (!head.changesScores()) {
      return scores;
    }
    if (!CustomFunction.available()) {
      Tensor scaled = head.scale() == 1 ? scores : scores.mul(head.scale());
      if (head.softcap().isEmpty()) {
        return scaled;
      }
      double cap = head.softcap().getAsDouble();
      return scaled.mul(1 / cap).tanh().mul(cap);
    }
    try (TensorScope scope = TensorScope.open();
        CustomFunction call = CustomFunction.of(scores)) {
      Tensor y = scores.detach().mulInPlace(head.scale());
      if (head.softcap().isEmpty()) {
        return scope.handOver(call.returns(y, (dy, inputs) -> inputs.add(0, dy.mul(head.scale()))));
      }
      double cap = head.softcap().getAsDouble();
      y.mulInPlace(1 / cap).tanhInPlace();
      Tensor slope = call.isRecording() ? call.save(slope(y, head.scale())) : y;
      return scope.handOver(
          call.returns(y.mulInPlace(cap), (dy, inputs) -> inputs.add(0, dy.mul(slope))));
    }
  }

  /** The derivative of {@code cap * tanh(scale * s / cap)} by s. */
  private static Tensor slope(Tensor tanh, double scale) {
    return tanh.square().mulInPlace(-scale).addInPlace(scale);
  }
}
