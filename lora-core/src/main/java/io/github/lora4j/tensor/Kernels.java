package io.github.lora4j.tensor;

import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.global.torch;

/**
 * Operations that write into memory at hand, and the derivatives of activations: what functions
 * with gradients of their own are made of. None of them is recorded for gradients.
 */
public final class Kernels {

  private static final long[] LAST = {-1};

  private Kernels() {}

  /** {@code out = a * b} elementwise, with broadcasting of b. */
  public static void mulInto(Tensor out, Tensor a, Tensor b) {
    torch.mul_out(out.handle(), a.handle(), b.handle());
  }

  /** {@code out = a + b} elementwise. */
  public static void addInto(Tensor out, Tensor a, Tensor b) {
    torch.add_out(out.handle(), a.handle(), b.handle());
  }

  /** {@code out = a b}, batched matrix products: out [b, m, n], a [b, m, k], b [b, k, n]. */
  public static void bmmInto(Tensor out, Tensor a, Tensor b) {
    torch.bmm_out(out.handle(), a.handle(), b.handle());
  }

  /** Replaces scores by probabilities along the last dimension. */
  public static Tensor softmaxInPlace(Tensor scores) {
    torch.softmax_out(scores.handle(), scores.handle(), -1);
    return scores;
  }

  /**
   * Replaces scores by the logarithms of probabilities along the last dimension.
   *
   * @param scores F32
   */
  public static Tensor logSoftmaxInPlace(Tensor scores) {
    torch.log_softmax_out(scores.handle(), scores.handle(), -1);
    return scores;
  }

  /**
   * The Euclidean length of each row, accumulated in float32.
   *
   * @param x {@code [..., n]}
   * @return F32 {@code [..., 1]}
   */
  public static Tensor rowNorm(Tensor x) {
    try (Scalar two = new Scalar(2.0);
        ScalarTypeOptional wide = new ScalarTypeOptional(torch.ScalarType.Float)) {
      return Tensor.wrap(torch.linalg_vector_norm(x.handle(), two, LAST, true, wide));
    }
  }

  /** The gradient of {@link Functional#silu} at x, times {@code dy}. */
  public static Tensor siluBackward(Tensor dy, Tensor x) {
    return Tensor.wrap(torch.silu_backward(dy.handle(), x.handle()));
  }

  /** The gradient of {@link Functional#gelu} at x, times {@code dy}. */
  public static Tensor geluBackward(Tensor dy, Tensor x) {
    return Tensor.wrap(torch.gelu_backward(dy.handle(), x.handle()));
  }

  /** The gradient of {@link Functional#geluTanh} at x, times {@code dy}. */
  public static Tensor geluTanhBackward(Tensor dy, Tensor x) {
    return Tensor.wrap(torch.gelu_backward(dy.handle(), x.handle(), "tanh"));
  }

  /** The gradient of {@link Functional#relu} at x, times {@code dy}. */
  public static Tensor reluBackward(Tensor dy, Tensor x) {
    try (Scalar zero = new Scalar(0.0)) {
      return Tensor.wrap(torch.threshold_backward(dy.handle(), x.handle(), zero));
    }
  }
}
