package io.github.lora4j.train;

import io.github.lora4j.tensor.NoGrad;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.List;

/**
 * Gradient descent without momentum, as transformers makes {@code torch.optim.SGD}: it keeps no
 * states, and weight decay is added to the gradient.
 */
final class Sgd implements Optimizer {

  private final List<OptimizedParameter> parameters;

  /** The parameters are borrowed. */
  Sgd(List<OptimizedParameter> parameters) {
    this.parameters = parameters;
  }

  @Override
  public void step(double learningRate) {
    try (NoGrad noGrad = NoGrad.open();
        TensorScope scope = TensorScope.open()) {
      for (OptimizedParameter parameter : parameters) {
        parameter
            .tensor()
            .grad()
            .ifPresent(
                gradient ->
                    move(parameter, gradient, learningRate * parameter.learningRateScale()));
      }
    }
  }

  private static void move(OptimizedParameter parameter, Tensor gradient, double learningRate) {
    Tensor weight = parameter.tensor();
    double decay = parameter.weightDecay();
    Tensor direction = decay == 0 ? gradient : gradient.add(weight, decay);
    weight.addInPlace(direction, -learningRate);
  }

  @Override
  public void zeroGrad() {
    parameters.forEach(parameter -> parameter.tensor().clearGrad());
  }

  @Override
  public void close() {
    // Nothing is kept between updates.
  }
}
