package io.github.lora4j.model;

import io.github.lora4j.tensor.Tensor;

/** Where a model's parameters come from. */
interface WeightSource {

  /** Gives the caller a tensor to own; called once for each name that was announced. */
  Tensor get(String name, long... shape);
}
