package io.github.lora4j.train;

import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.NoGrad;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Adam with decoupled weight decay (Loshchilov and Hutter, "Decoupled Weight Decay Regularization",
 * 2019), in the arithmetic of {@code torch.optim.AdamW}.
 *
 * <p>The states are float32 whatever the parameters are, and lie on the parameters' device. A
 * parameter without a gradient is passed over and its bias correction doesn't advance.
 */
final class AdamW implements Optimizer {

  private final List<Slot> slots;
  private final double beta1;
  private final double beta2;
  private final double epsilon;
  private final double weightDecay;

  /** Takes the constants from the arguments; the parameters are borrowed. */
  AdamW(Map<String, Tensor> parameters, TrainingArguments args) {
    beta1 = args.adamBeta1();
    beta2 = args.adamBeta2();
    epsilon = args.adamEpsilon();
    weightDecay = args.weightDecay();
    slots =
        parameters.entrySet().stream()
            .map(e -> new Slot(e.getValue(), WeightDecayRule.appliesTo(e.getKey())))
            .toList();
  }

  @Override
  public void step(double learningRate) {
    try (NoGrad noGrad = NoGrad.open()) {
      for (Slot slot : slots) {
        try (TensorScope scope = TensorScope.open()) {
          Optional<Tensor> gradient = slot.parameter.grad();
          if (gradient.isPresent()) {
            update(slot, gradient.get(), learningRate);
          }
        }
      }
    }
  }

  private void update(Slot slot, Tensor gradient, double learningRate) {
    slot.steps++;
    Tensor weight = slot.parameter.to(DType.F32);
    Tensor g = gradient.to(DType.F32);
    if (slot.decays && weightDecay > 0) {
      weight.mulInPlace(1 - learningRate * weightDecay);
    }
    slot.firstMoment.lerpInPlace(g, 1 - beta1);
    slot.secondMoment.mulInPlace(beta2).addcmulInPlace(g, g, 1 - beta2);
    double correction1 = 1 - Math.pow(beta1, slot.steps);
    double correction2 = 1 - Math.pow(beta2, slot.steps);
    Tensor denominator =
        slot.secondMoment.sqrt().mulInPlace(1 / Math.sqrt(correction2)).addInPlace(epsilon);
    weight.addcdivInPlace(slot.firstMoment, denominator, -learningRate / correction1);
    if (slot.parameter.dtype() != DType.F32) {
      slot.parameter.copyInPlace(weight);
    }
  }

  @Override
  public void zeroGrad() {
    slots.forEach(slot -> slot.parameter.clearGrad());
  }

  @Override
  public void close() {
    slots.forEach(Slot::close);
  }

  /** One parameter and what AdamW remembers of its gradients. */
  private static final class Slot {
    final Tensor parameter;
    final boolean decays;
    final Tensor firstMoment;
    final Tensor secondMoment;
    int steps;

    Slot(Tensor parameter, boolean decays) {
      this.parameter = parameter;
      this.decays = decays;
      firstMoment = zerosLike(parameter);
      secondMoment = zerosLike(parameter);
    }

    private static Tensor zerosLike(Tensor parameter) {
      return TensorScope.keep(Tensor.zeros(DType.F32, parameter.device(), parameter.shape()));
    }

    void close() {
      firstMoment.close();
      secondMoment.close();
    }
  }
}
