package io.github.lora4j.nn;

import io.github.lora4j.nn.step.StepLinear;
import io.github.lora4j.nn.step.StepPart;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Collects one thread's parts of some layers: all of them or none. */
final class StepLayers {

  private final StepPart part;
  private final List<StepLinear> made = new ArrayList<>();
  private boolean complete = true;

  StepLayers(StepPart part) {
    this.part = part;
  }

  StepLayers add(LinearLayer layer) {
    return add(layer, 1);
  }

  StepLayers add(LinearLayer layer, int pieces) {
    if (complete) {
      layer.step(part, pieces).ifPresentOrElse(made::add, this::giveUp);
    }
    return this;
  }

  void giveUp() {
    complete = false;
    made.forEach(StepLinear::close);
    made.clear();
  }

  /** All layers in the order in which they came; empty if one has no such part. */
  Optional<List<StepLinear>> all() {
    return complete ? Optional.of(List.copyOf(made)) : Optional.empty();
  }
}
