package io.github.lora4j.peft;

import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The lengths that DoRA divides by, kept as long as nothing is trained: they cost about as much as
 * a pass over the weight. Whoever changes the factors other than by training calls {@link
 * #invalidate}.
 */
final class DoraNorm implements AutoCloseable {

  private @Nullable Tensor kept;

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

  /** Forgets them. */
  void invalidate() {
    if (kept != null) {
      kept.close();
      kept = null;
    }
  }

  @Override
  public void close() {
    invalidate();
  }
}
