package io.github.lora4j.peft;

import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The lengths that DoRA divides by, kept as long as nothing is trained: they cost a pass over the
 * weight. Whoever changes the factors other than by training calls {@link #invalidate}.
 */
final class DoraNorm implements AutoCloseable {

  private @Nullable Tensor kept;
  private @Nullable Tensor rowSquares;
  private @Nullable Object weight;

  /**
   * Forgets everything if the lengths are another weight's from now on, as where an adapter that
   * rounds the base's takes part or no longer does.
   *
   * @param identity what the weight is held in
   */
  void beside(Object identity) {
    if (weight != identity) {
      close();
      weight = identity;
    }
  }

  /**
   * The lengths {@code [out]}.
   *
   * @param training whether weights change between calls: nothing is kept then
   * @param compute makes them
   * @return the caller's scope's in training, borrowed until the next change otherwise
   */
  Tensor get(boolean training, Supplier<Tensor> compute) {
    if (training) {
      invalidate();
      return compute.get();
    }
    if (kept == null) {
      kept = TensorScope.keep(compute.get());
    }
    return kept;
  }

  /**
   * The squared lengths of the base's rows, for {@link DoraUpdate#norm(Tensor, Tensor, Tensor,
   * Tensor, double)}: computed once, since the base is frozen.
   *
   * @param weight {@code [out, in]}
   * @return {@code [out]}, borrowed
   */
  Tensor rowSquares(Tensor weight) {
    if (rowSquares == null) {
      rowSquares = TensorScope.keep(DoraUpdate.rowSquares(weight));
    }
    return rowSquares;
  }

  /** Forgets the lengths. */
  void invalidate() {
    if (kept != null) {
      kept.close();
      kept = null;
    }
  }

  @Override
  public void close() {
    invalidate();
    if (rowSquares != null) {
      rowSquares.close();
      rowSquares = null;
    }
  }
}
