package io.github.lora4j.tensor;

import org.jspecify.annotations.Nullable;

/** A place on the tape that collects the gradient of one tensor. */
abstract class TapeEntry {

  private @Nullable Tensor gradient;
  private boolean ours; // whether nobody else looks at the gradient's memory

  /** Passes the gradient on to where it came from; called once, after all users of the tensor. */
  abstract void backward();

  /**
   * Adds to the gradient.
   *
   * @param part becomes this entry's to close
   * @param fresh whether nobody else looks at its memory
   */
  final void accumulate(Tensor part, boolean fresh) {
    TensorScope.keep(part);
    if (gradient == null) {
      gradient = part;
      ours = fresh;
    } else if (ours) {
      gradient.addInPlace(part, 1);
      part.close();
    } else {
      Tensor sum = TensorScope.keep(fresh ? part.addInPlace(gradient, 1) : gradient.add(part));
      gradient.close();
      if (!fresh) {
        part.close();
      }
      gradient = sum;
      ours = true;
    }
  }

  /** Adds {@code a b} to the gradient, flattened to rows, without a tensor for the product. */
  final void accumulateProduct(Tensor a, Tensor b, long[] shape) {
    try (TensorScope scope = TensorScope.open()) {
      Tensor rows = a.reshape(-1, a.size(-1));
      if (gradient != null && ours && gradient.dtype() == a.dtype()) {
        gradient.view(-1, b.size(1)).addmmInPlace(rows, b, 1);
      } else {
        accumulate(TensorScope.keep(LargeTensors.product(rows, b).view(shape)), true);
      }
    }
  }

  /** Whether nobody else looks at the memory of the gradient. */
  final boolean isOurs() {
    return ours;
  }

  /** The gradient collected so far, the caller's scope's to close. */
  final @Nullable Tensor takeGradient() {
    Tensor taken = gradient;
    gradient = null;
    return taken == null ? null : TensorScope.adopt(taken);
  }

  /** Frees what this entry holds. */
  void close() {
    if (gradient != null) {
      gradient.close();
      gradient = null;
    }
  }
}
