package io.github.lora4j.train;

import io.github.lora4j.tensor.NoGrad;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorLists;
import io.github.lora4j.tensor.TensorScope;
import java.util.Collection;
import java.util.List;

/** Scales gradients down to a norm, as {@code torch.nn.utils.clip_grad_norm_} does. */
final class GradientClipper {

  // torch's constant: it keeps the quotient finite where all gradients are zero.
  private static final double EPSILON = 1e-6;

  private GradientClipper() {}

  /**
   * Scales all gradients so that their common 2-norm is at most {@code maxNorm}.
   *
   * @param parameters those whose gradients count; ones without a gradient don't
   * @param maxNorm 0 changes nothing
   * @return the norm before scaling; not finite means that nothing was scaled
   * @throws IllegalStateException if no parameter has a gradient
   */
  static double clip(Collection<Tensor> parameters, double maxNorm) {
    try (NoGrad noGrad = NoGrad.open();
        TensorScope scope = TensorScope.open()) {
      List<Tensor> gradients =
          parameters.stream().flatMap(parameter -> parameter.grad().stream()).toList();
      if (gradients.isEmpty()) {
        throw new IllegalStateException(
            "None of the model's %d trainable parameters got a gradient: its loss doesn't depend on"
                    .formatted(parameters.size())
                + " them");
      }
      // The one place of an update that waits for the device, besides the losses.
      double norm = TensorLists.norm(gradients).item();
      double coefficient = maxNorm / (norm + EPSILON);
      if (maxNorm > 0 && Double.isFinite(norm) && coefficient < 1) {
        TensorLists.mulInPlace(gradients, coefficient);
      }
      return norm;
    }
  }
}
