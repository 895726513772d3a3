package io.github.lora4j.nn;

import io.github.lora4j.tensor.Tensor;
import java.util.Optional;
import java.util.function.UnaryOperator;

/**
 * What happens to queries or keys on their way into attention, into memory at hand: turned by
 * position, multiplied by a number, or both.
 */
sealed interface HeadTurn permits RotaryEmbedding.Scaled, HeadTurn.ScaledOnly {

  /** Where there is a rotation, it; always the factor. */
  static HeadTurn of(Optional<RotaryEmbedding.Rotation> rotation, double factor) {
    return rotation.isPresent() ? rotation.get().scaled(factor) : new ScaledOnly(factor);
  }

  /** Turns heads {@code [seq, .., .., headDim]}. */
  void into(Tensor target, Tensor source);

  /** Gives the gradient of what was turned, which is turned the other way. */
  void backInto(Tensor target, Tensor source);

  /** The same over other handles. */
  HeadTurn map(UnaryOperator<Tensor> change);

  /**
   * No position in the heads.
   *
   * @param factor what they are multiplied by
   */
  record ScaledOnly(double factor) implements HeadTurn {

    @Override
    public void into(Tensor target, Tensor source) {
      target.copyInPlace(source);
      if (factor != 1) {
        target.mulInPlace(factor);
      }
    }

    @Override
    public void backInto(Tensor target, Tensor source) {
      into(target, source);
    }

    @Override
    public ScaledOnly map(UnaryOperator<Tensor> change) {
      return this;
    }
  }
}
