package io.github.lora4j.train;

import java.util.List;

/**
 * Brings optimizers that lora-core doesn't hold itself; found through {@link
 * java.util.ServiceLoader}.
 *
 * <p>lora-quant brings those with 8-bit and paged states. A provider has a public constructor
 * without parameters and is named in {@code
 * META-INF/services/io.github.lora4j.train.OptimizerProvider}.
 */
public interface OptimizerProvider {

  /** Whether {@link #create} makes the optimizer of this name. */
  boolean provides(OptimizerName name);

  /**
   * Makes the optimizer that {@link TrainingArguments#optim} names.
   *
   * @param parameters at least one, in the model's order; borrowed
   * @param args its betas, epsilon and name; decay and rates are the parameters' own
   * @return owned by the caller
   */
  Optimizer create(List<OptimizedParameter> parameters, TrainingArguments args);
}
