package io.github.lora4j.tensor;

import java.util.Optional;
import org.bytedeco.pytorch.BoolOptional;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/** The functions of {@code torch.nn.functional} that models use, and the backward pass. */
public final class Functional {

  private static final int REDUCTION_SUM = 2;

  private Functional() {}

  /**
   * Multiplies by a transposed weight.
   *
   * @param x {@code [..., in]}
   * @param weight {@code [out, in]}
   * @return {@code [..., out]}
   */
  public static Tensor linear(Tensor x, Tensor weight) {
    if (FewRows.suits(x, weight)) {
      return FewRows.linear(x, weight);
    }
    if (LargeTensors.suitLinear(x, weight)) {
      return LargeTensors.linear(x, weight, Optional.empty());
    }
    return Tensor.wrap(torch.linear(x.handle(), weight.handle()));
  }

  /**
   * Multiplies by a transposed weight and adds a bias.
   *
   * @param x {@code [..., in]}
   * @param weight {@code [out, in]}
   * @param bias {@code [out]}
   * @return {@code [..., out]}
   */
  public static Tensor linear(Tensor x, Tensor weight, Tensor bias) {
    if (FewRows.suits(x, weight)) {
      return FewRows.linear(x, weight).addInPlace(bias, 1);
    }
    if (LargeTensors.suitLinear(x, weight)) {
      return LargeTensors.linear(x, weight, Optional.of(bias));
    }
    return Tensor.wrap(torch.linear(x.handle(), weight.handle(), bias.handle()));
  }

  /**
   * Looks rows up.
   *
   * @param ids I64, any shape
   * @param weight {@code [vocab, hidden]}
   * @return {@code [..., hidden]}
   */
  public static Tensor embedding(Tensor ids, Tensor weight) {
    return Tensor.wrap(torch.embedding(weight.handle(), ids.handle()));
  }

  /** Exponentials that sum to one along a dimension, computed in the input's dtype. */
  public static Tensor softmax(Tensor x, int dim) {
    return Tensor.wrap(torch.softmax(x.handle(), dim));
  }

  /**
   * The summed negative log-likelihood of the labels.
   *
   * @param logits {@code [n, classes]}
   * @param labels I64 {@code [n]}; those equal to {@code ignoreIndex} count nothing
   * @param labelSmoothing the share of each label that is spread over all classes
   * @return a scalar in the logits' dtype
   */
  public static Tensor crossEntropySum(
      Tensor logits, Tensor labels, long ignoreIndex, double labelSmoothing) {
    try (TensorOptional noWeight = new TensorOptional()) {
      return Tensor.wrap(
          torch.cross_entropy_loss(
              logits.handle(),
              labels.handle(),
              noWeight,
              REDUCTION_SUM,
              ignoreIndex,
              labelSmoothing));
    }
  }

  /** {@code x * sigmoid(x)}. */
  public static Tensor silu(Tensor x) {
    return Tensor.wrap(torch.silu(x.handle()));
  }

  /**
   * Normalises the last dimension to mean 0 and variance 1, then scales and shifts: {@code
   * torch.nn.functional.layer_norm}.
   *
   * @param weight {@code [n]}
   * @param bias {@code [n]}, where there is one
   */
  public static Tensor layerNorm(Tensor x, Tensor weight, Optional<Tensor> bias, double eps) {
    try (TensorOptional scale = new TensorOptional(weight.handle());
        TensorOptional shift =
            bias.isPresent() ? new TensorOptional(bias.get().handle()) : new TensorOptional()) {
      return Tensor.wrap(
          torch.layer_norm(x.handle(), new long[] {weight.size(0)}, scale, shift, eps, false));
    }
  }

  /** {@code max(x, 0)}. */
  public static Tensor relu(Tensor x) {
    return Tensor.wrap(torch.relu(x.handle()));
  }

  /** The Gaussian error linear unit, exact. */
  public static Tensor gelu(Tensor x) {
    return Tensor.wrap(torch.gelu(x.handle()));
  }

  /** The Gaussian error linear unit in its approximation by tanh. */
  public static Tensor geluTanh(Tensor x) {
    return Tensor.wrap(torch.gelu(x.handle(), "tanh"));
  }

  /**
   * Zeroes elements with probability {@code p} and scales the rest by {@code 1 / (1 - p)}.
   *
   * @param p in {@code [0, 1]}
   * @param generator where the mask comes from
   */
  public static Tensor dropout(Tensor x, double p, Generator generator) {
    if (p == 0) {
      return x;
    }
    try (TensorScope scope = TensorScope.open()) {
      Tensor mask = Tensor.empty(DType.F32, Device.CPU, x.shape());
      try (var optional = generator.optional()) {
        mask.handle().bernoulli_(1 - p, optional);
      }
      if (p < 1) {
        mask.mulInPlace(1 / (1 - p));
      }
      return scope.handOver(x.mul(mask.to(x.device()).to(x.dtype())));
    }
  }

  /** Adds the gradients of a scalar to the leaves below it. */
  public static void backward(Tensor loss) {
    loss.handle().backward();
  }

  /**
   * Goes backward from a tensor with the gradient that came down to it.
   *
   * @param output any tensor of the graph
   * @param gradient of the same shape
   */
  public static void backward(Tensor output, Tensor gradient) {
    backward(output, gradient, false);
  }

  static void backward(Tensor output, Tensor gradient, boolean retainGraph) {
    try (TensorVector outputs = new TensorVector(output.handle());
        TensorVector gradients = new TensorVector(gradient.handle());
        BoolOptional retain = new BoolOptional(retainGraph);
        TensorVector allLeaves = new TensorVector()) {
      torch.backward(outputs, gradients, retain, false, allLeaves);
    }
  }
}
