package io.github.lora4j.train;

import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.NoGrad;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorLists;
import io.github.lora4j.tensor.TensorLists.AdamWConstants;
import io.github.lora4j.tensor.TensorLists.AdamWEntry;
import io.github.lora4j.tensor.TensorScope;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Adam with decoupled weight decay (Loshchilov and Hutter, "Decoupled Weight Decay Regularization",
 * 2019), in the arithmetic of {@code torch.optim.AdamW}.
 *
 * <p>The states are float32 whatever the parameters are, and lie on the parameters' device. A
 * parameter without a gradient is passed over and its bias correction doesn't advance.
 *
 * <p>Float32 parameters are updated together in a few native calls. The kernel wants weights of the
 * states' type, so others are widened for their update, one at a time to save memory.
 */
final class AdamW implements Optimizer {

  private final List<Slot> slots;
  private final double beta1;
  private final double beta2;
  private final double epsilon;

  /** Takes the constants from the arguments; the parameters are borrowed. */
  AdamW(List<OptimizedParameter> parameters, TrainingArguments args) {
    beta1 = args.adamBeta1();
    beta2 = args.adamBeta2();
    epsilon = args.adamEpsilon();
    slots = parameters.stream().map(Slot::new).toList();
  }

  @Override
  public void step(double learningRate) {
    try (NoGrad noGrad = NoGrad.open();
        TensorScope scope = TensorScope.open()) {
      Map<Group, List<AdamWEntry>> together = new LinkedHashMap<>();
      for (Slot slot : slots) {
        Optional<Tensor> gradient = slot.parameter.grad();
        if (gradient.isEmpty()) {
          continue;
        }
        slot.steps++;
        Tensor weight = slot.parameter;
        if (TensorLists.adamWTakes(weight) && TensorLists.adamWTakes(gradient.get())) {
          together
              .computeIfAbsent(slot.group(), group -> new ArrayList<>())
              .add(slot.entry(weight, gradient.get()));
        } else {
          updateWidened(slot, gradient.get(), learningRate);
        }
      }
      together.forEach((group, all) -> TensorLists.adamW(all, constants(group, learningRate)));
    }
  }

  private void updateWidened(Slot slot, Tensor gradient, double learningRate) {
    try (TensorScope scope = TensorScope.open()) {
      Tensor weight = slot.parameter.to(DType.F32).contiguous();
      Tensor wideGradient = gradient.to(DType.F32).contiguous();
      TensorLists.adamW(
          List.of(slot.entry(weight, wideGradient)), constants(slot.group(), learningRate));
      slot.parameter.copyInPlace(weight);
    }
  }

  private AdamWConstants constants(Group group, double learningRate) {
    return new AdamWConstants(
        group.steps, learningRate * group.rateScale, beta1, beta2, epsilon, group.weightDecay);
  }

  @Override
  public void zeroGrad() {
    slots.forEach(slot -> slot.parameter.clearGrad());
  }

  @Override
  public void close() {
    slots.forEach(Slot::close);
  }

  /** What the parameters of one native call have in common. */
  private record Group(Device device, double weightDecay, double rateScale, int steps) {}

  /** One parameter and what AdamW remembers of its gradients. */
  private static final class Slot {
    final Tensor parameter;
    final double weightDecay;
    final double rateScale;
    final Device device;
    final Tensor firstMoment;
    final Tensor secondMoment;
    int steps;

    Slot(OptimizedParameter optimized) {
      parameter = optimized.tensor();
      weightDecay = optimized.weightDecay();
      rateScale = optimized.learningRateScale();
      device = parameter.device();
      firstMoment = zerosLike(parameter);
      secondMoment = zerosLike(parameter);
    }

    private static Tensor zerosLike(Tensor parameter) {
      return TensorScope.keep(Tensor.zeros(DType.F32, parameter.device(), parameter.shape()));
    }

    Group group() {
      return new Group(device, weightDecay, rateScale, steps);
    }

    AdamWEntry entry(Tensor weight, Tensor gradient) {
      return new AdamWEntry(weight, gradient, firstMoment, secondMoment);
    }

    void close() {
      firstMoment.close();
      secondMoment.close();
    }
  }
}
