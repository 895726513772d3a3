package io.github.lora4j.nn;

import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Kernels;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.List;
import java.util.function.UnaryOperator;

/**
 * Rotary position embedding (Su et al., 2021) in the half-split layout of Hugging Face checkpoints.
 *
 * @param rotaryDim how many features of each head are rotated, from the first
 * @param theta the base of the frequencies
 * @param scaling how they are stretched
 */
public record RotaryEmbedding(int rotaryDim, double theta, RopeScaling scaling) {

  /**
   * The rotation at given positions.
   *
   * @param cos {@code [batch or 1, 1, seq, rotaryDim]}
   * @param sin the same shape
   */
  public record Rotation(Tensor cos, Tensor sin) {

    /**
     * Turns queries or keys.
     *
     * @param x {@code [batch, heads, seq, headDim]}
     * @return the same shape
     */
    public Tensor apply(Tensor x) {
      try (TensorScope scope = TensorScope.open()) {
        long rotaryDim = cos.size(-1);
        long rest = x.size(-1) - rotaryDim;
        Tensor turned = rest == 0 ? x : x.narrow(-1, 0, rotaryDim);
        long half = rotaryDim / 2;
        Tensor quarterTurn =
            Tensor.cat(
                List.of(turned.narrow(-1, half, half).neg(), turned.narrow(-1, 0, half)), -1);
        Tensor y = turned.mul(cos).add(quarterTurn.mul(sin));
        return scope.handOver(
            rest == 0 ? y : Tensor.cat(List.of(y, x.narrow(-1, rotaryDim, rest)), -1));
      }
    }

    /** The same rotation of heads that are also multiplied by a number. */
    Scaled scaled(double factor) {
      try (TensorScope scope = TensorScope.open()) {
        long seq = cos.size(2);
        long rotaryDim = cos.size(3);
        Tensor scaledCos = factor == 1 ? cos : cos.mul(factor);
        Tensor scaledSin = factor == 1 ? sin : sin.mul(factor);
        return new Scaled(
            scope.handOver(scaledCos.view(seq, 1, 1, rotaryDim)),
            scope.handOver(scaledSin.view(seq, 1, 1, rotaryDim)),
            factor);
      }
    }
  }

  /**
   * A rotation of one row, and its way back, into memory at hand.
   *
   * @param cos {@code [seq, 1, 1, rotaryDim]}, multiplied by the factor
   * @param sin the same shape
   * @param factor what features beyond {@code rotaryDim} are multiplied by
   */
  record Scaled(Tensor cos, Tensor sin, double factor) implements HeadTurn {

    @Override
    public Scaled map(UnaryOperator<Tensor> change) {
      return new Scaled(change.apply(cos), change.apply(sin), factor);
    }

    @Override
    public void into(Tensor target, Tensor source) {
      turnInto(target, source, 1);
    }

    @Override
    public void backInto(Tensor target, Tensor source) {
      turnInto(target, source, -1);
    }

    private void turnInto(Tensor target, Tensor source, int direction) {
      try (TensorScope scope = TensorScope.open()) {
        long rotaryDim = cos.size(-1);
        long half = rotaryDim / 2;
        long rest = source.size(-1) - rotaryDim;
        Tensor first = source.narrow(-1, 0, half);
        Tensor second = source.narrow(-1, half, half);
        Tensor angle = sin.narrow(-1, 0, half); // the same for both halves
        Kernels.mulInto(target.narrow(-1, 0, rotaryDim), source.narrow(-1, 0, rotaryDim), cos);
        target.narrow(-1, 0, half).addcmulInPlace(second, angle, -direction);
        target.narrow(-1, half, half).addcmulInPlace(first, angle, direction);
        if (rest > 0) {
          target
              .narrow(-1, rotaryDim, rest)
              .copyInPlace(source.narrow(-1, rotaryDim, rest))
              .mulInPlace(factor);
        }
      }
    }
  }

  /**
   * Computes the rotation, in float32 and then rounded to the model's dtype.
   *
   * @param positions I64 {@code [batch or 1, seq]}
   * @param dtype the dtype of the hidden states
   */
  public Rotation at(Tensor positions, DType dtype) {
    try (TensorScope scope = TensorScope.open()) {
      long seqLen = scaling.dependsOnLength() ? (long) positions.max().item() + 1 : 0;
      double[] inverse = scaling.inverseFrequencies(rotaryDim, theta, seqLen);
      float[] rounded = new float[inverse.length];
      for (int i = 0; i < rounded.length; i++) {
        rounded[i] = (float) inverse[i];
      }
      Tensor frequencies = Tensor.of(rounded, 1, 1, rounded.length).to(positions.device());
      Tensor angles = positions.to(DType.F32).unsqueeze(-1).mul(frequencies);
      Tensor both = Tensor.cat(List.of(angles, angles), -1).unsqueeze(1);
      double factor = scaling.attentionFactor();
      return new Rotation(
          scope.handOver(both.cos().mul(factor).to(dtype)),
          scope.handOver(both.sin().mul(factor).to(dtype)));
    }
  }
}
