package io.github.lora4j.model;

import io.github.lora4j.nn.ForwardContext;
import io.github.lora4j.tensor.Functional;
import io.github.lora4j.tensor.GradientHooks;
import io.github.lora4j.tensor.Tape;
import io.github.lora4j.tensor.Tensor;
import java.util.Optional;

/** What is remembered of a forward pass: by a tape, or in a plain pass by libtorch alone. */
final class Recording implements AutoCloseable {

  private final Optional<Tape> tape;
  private final Optional<GradientHooks> hooks;

  private Recording(Optional<Tape> tape, Optional<GradientHooks> hooks) {
    this.tape = tape;
    this.hooks = hooks;
  }

  static Recording open(ForwardContext context) {
    return context.isPlain()
        ? new Recording(Optional.empty(), Optional.of(GradientHooks.open()))
        : new Recording(Optional.of(Tape.open()), Optional.empty());
  }

  /** Adds the gradients of all leaves below a tensor. */
  void backward(Tensor output, Tensor gradient) {
    if (tape.isPresent()) {
      tape.get().backward(output, gradient);
    } else {
      Functional.backward(output, gradient);
    }
  }

  @Override
  public void close() {
    tape.ifPresent(Tape::close);
    hooks.ifPresent(GradientHooks::close);
  }
}
