package io.github.lora4j.peft;

import io.github.lora4j.nn.Norm;
import io.github.lora4j.nn.step.StepNorm;
import io.github.lora4j.tensor.Tensor;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.function.UnaryOperator;

/**
 * A norm that computes with float32 copies of its parameters, or of some of them, that an adapter
 * trains: PEFT's {@code ModulesToSaveWrapper} and {@code LNTuningLayer}.
 *
 * @param original borrowed, and unchanged
 * @param copies by their names in the checkpoint; owned
 * @param norm computes with the copies, and with the original's where there is none
 * @param infix what PEFT puts between the norm's name and a copy's in the live model
 */
record NormCopy(Norm original, Map<String, Tensor> copies, Norm norm, String infix)
    implements Norm, LayerPart {

  /** Takes ownership of the copies. */
  static NormCopy of(Norm original, Map<String, Tensor> copies, String infix) {
    return new NormCopy(
        original, copies, original.with(original.name(), replacing(original, copies)), infix);
  }

  private static UnaryOperator<Tensor> replacing(Norm original, Map<String, Tensor> copies) {
    List<Tensor> before = new ArrayList<>();
    List<Tensor> after = new ArrayList<>();
    original.forEachParameter(
        (name, parameter) -> {
          before.add(parameter);
          after.add(copies.getOrDefault(name, parameter));
        });
    // By identity: parameters that are equal in their numbers are not the same.
    return parameter -> {
      for (int i = 0; i < before.size(); i++) {
        if (before.get(i) == parameter) {
          return after.get(i);
        }
      }
      throw new IllegalStateException(original.name() + ": a parameter that the norm doesn't show");
    };
  }

  @Override
  public String name() {
    return original.name();
  }

  @Override
  public Tensor forward(Tensor x) {
    return norm.forward(x);
  }

  @Override
  public Optional<StepNorm> step() {
    return norm.step();
  }

  /**
   * A norm with what was learnt, in the original's dtype.
   *
   * @param safe whether to refuse numbers that are not finite
   * @return the layer, for the caller to close
   */
  Norm merged(boolean safe) {
    Map<String, Tensor> kept = new LinkedHashMap<>();
    original.forEachParameter(
        (name, own) ->
            kept.put(
                name, Unloaded.parameter(name, copies.getOrDefault(name, own), own.dtype(), safe)));
    return original.with(name(), replacing(original, kept));
  }

  /** Refused: an adapter has one place and one owner. */
  @Override
  public Norm with(String other, UnaryOperator<Tensor> parameters) {
    throw new UnsupportedOperationException(
        name() + ": a norm of an adapter can't be shared; merge it first.");
  }

  @Override
  public void requiresGrad(boolean required) {
    copies.values().forEach(copy -> copy.requiresGrad(required));
  }

  @Override
  public void forEachParameter(BiConsumer<String, Tensor> visitor) {
    original.forEachParameter(visitor);
    forEachParameter(name(), visitor);
  }

  @Override
  public void forEachParameter(String module, BiConsumer<String, Tensor> visitor) {
    copies.forEach(
        (name, copy) -> visitor.accept(module + infix + name.substring(name().length()), copy));
  }

  @Override
  public void forEachSaved(String module, BiConsumer<String, Tensor> visitor) {
    copies.forEach(visitor);
  }

  /** Frees the copies, not the original. */
  @Override
  public void close() {
    copies.values().forEach(Tensor::close);
  }
}
