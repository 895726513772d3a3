package io.github.lora4j.peft;

import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Generator;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.ArrayList;
import java.util.List;

/** Pruning, voting and summing of equally shaped tensors: {@code merge_utils} of PEFT. */
final class TaskArithmetic {

  private final CombinationType type;
  private final CombinationOptions options;
  private final Generator generator;

  TaskArithmetic(CombinationType type, CombinationOptions options, Generator generator) {
    this.type = type;
    this.options = options;
    this.generator = generator;
  }

  /**
   * One tensor of several.
   *
   * @param tensors of one shape, F32
   * @param factors one for each
   */
  Tensor combine(List<Tensor> tensors, double[] factors) {
    try (TensorScope scope = TensorScope.open()) {
      List<Tensor> pruned = new ArrayList<>();
      for (Tensor tensor : tensors) {
        pruned.add(prune(tensor));
      }
      return scope.handOver(type.votes() ? ofMajority(pruned, factors) : sum(pruned, factors));
    }
  }

  private static Tensor sum(List<Tensor> tensors, double[] factors) {
    Tensor sum = tensors.get(0).mul(factors[0]);
    for (int i = 1; i < factors.length; i++) {
      sum.addInPlace(tensors.get(i), factors[i]);
    }
    return sum;
  }

  private Tensor prune(Tensor tensor) {
    if (type.pruning() == CombinationType.Pruning.NONE) {
      return tensor;
    }
    double density = options.density().orElseThrow();
    if (density == 1) {
      return tensor;
    }
    return type.pruning() == CombinationType.Pruning.RANDOM
        ? tensor.mul(drawn(tensor, density)).mulInPlace(1 / density)
        : tensor.mul(largest(tensor, density));
  }

  /** 1 for the largest elements, whatever their sign, else 0. */
  private static Tensor largest(Tensor tensor, double density) {
    Tensor flat = tensor.abs().reshape(-1);
    Tensor places = flat.topkIndices((long) (density * flat.numel()));
    Tensor mask = Tensor.zeros(DType.F32, tensor.device(), flat.numel());
    mask.scatterAddInPlace(0, places, Tensor.full(1, DType.F32, tensor.device(), places.numel()));
    return mask.view(tensor.shape());
  }

  /** 1 with this probability, else 0. */
  private Tensor drawn(Tensor tensor, double density) {
    Tensor probabilities = Tensor.full(density, DType.F32, Device.CPU, tensor.shape());
    return probabilities.bernoulli(generator).to(tensor.device());
  }

  /** The weighted mean, for each element, of those whose sign prevails. */
  private Tensor ofMajority(List<Tensor> tensors, double[] factors) {
    Tensor votes = null;
    for (Tensor tensor : tensors) {
      Tensor vote =
          options.majoritySignMethod() == MajoritySignMethod.TOTAL ? tensor : tensor.sign();
      votes = votes == null ? vote : votes.add(vote);
    }
    if (votes == null) {
      throw new IllegalArgumentException("expected at least one tensor, found none");
    }
    Tensor majority = votes.ge(0).to(DType.F32).mulInPlace(2).addInPlace(-1); // 1 or -1
    Tensor sum = Tensor.zeros(DType.F32, majority.device(), majority.shape());
    Tensor count = Tensor.zeros(DType.F32, majority.device(), majority.shape());
    for (int i = 0; i < factors.length; i++) {
      Tensor mask = tensors.get(i).sign().eq(majority).to(DType.F32);
      sum.addcmulInPlace(tensors.get(i), mask, factors[i]);
      count.addInPlace(mask, 1);
    }
    return sum.div(count.clamp(1, factors.length));
  }
}
