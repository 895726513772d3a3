package io.github.lora4j.train;

import io.github.lora4j.tensor.Tensor;
import java.util.Map;

/** Moves parameters against their gradients; owns the native memory of its states. */
interface Optimizer extends AutoCloseable {

  /** The optimizer that the arguments name, for these parameters, which are borrowed. */
  static Optimizer of(Map<String, Tensor> parameters, TrainingArguments args) {
    return switch (args.optim()) {
      case ADAMW_TORCH -> new AdamW(parameters, args);
    };
  }

  /** Updates every parameter that has a gradient, with this learning rate. */
  void step(double learningRate);

  /** Forgets all gradients. */
  void zeroGrad();

  @Override
  void close();
}
