package io.github.lora4j.nn;

import io.github.lora4j.tensor.CustomFunction;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The gradient of one tensor of which several functions see a part each: every one adds its part to
 * common memory, instead of making a gradient of full size with zeros around its part.
 *
 * <p>The tape goes back through functions in the opposite order, so the one that joined first is
 * the last to add, and delivers.
 */
public final class SharedGradient {

  private @Nullable Tensor memory;
  private boolean joined;

  /** Makes an empty one, for one forward pass. */
  public SharedGradient() {}

  /** Announces one more function. */
  public Member join() {
    Member member = new Member(!joined);
    joined = true;
    return member;
  }

  /** One of the functions. */
  public final class Member {
    private final boolean first;

    private Member(boolean first) {
      this.first = first;
    }

    /**
     * Adds a part; to be called once, on the way back.
     *
     * @param input which input of the function the tensor is
     * @param zeros makes the common memory
     * @param part adds this function's part to it
     */
    public void add(
        CustomFunction.Gradients inputs, int input, Supplier<Tensor> zeros, Consumer<Tensor> part) {
      if (!inputs.wanted(input)) {
        return;
      }
      if (memory == null) {
        memory = TensorScope.keep(zeros.get());
      }
      part.accept(memory);
      if (first) {
        Tensor whole = memory;
        memory = null;
        inputs.add(input, whole);
      }
    }
  }
}
