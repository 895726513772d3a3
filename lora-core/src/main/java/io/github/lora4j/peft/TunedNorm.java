package io.github.lora4j.peft;

import io.github.lora4j.nn.Norm;
import io.github.lora4j.tensor.Tensor;
import java.util.function.BiConsumer;
import java.util.function.UnaryOperator;

/**
 * A norm of which a float32 copy takes part in its place: PEFT's {@code LNTuningLayer}.
 *
 * @param original borrowed, and unchanged
 * @param copy owned
 */
record TunedNorm(Norm original, Norm copy) implements Norm {

  static final String INFIX = ".ln_tuning_layers";

  @Override
  public String name() {
    return original.name();
  }

  @Override
  public Tensor forward(Tensor x) {
    return copy.forward(x);
  }

  /** Refused: an adapter has one place and one owner. */
  @Override
  public Norm with(String other, UnaryOperator<Tensor> parameters) {
    throw new UnsupportedOperationException(
        name() + ": a norm of an adapter can't be shared; merge it first.");
  }

  /** The name of a norm's parameter in the files of PEFT. */
  static String fileName(String norm, String parameter) {
    return norm + INFIX + parameter.substring(norm.length());
  }

  @Override
  public void forEachParameter(BiConsumer<String, Tensor> visitor) {
    original.forEachParameter(visitor);
    copy.forEachParameter((name, tensor) -> visitor.accept(fileName(name(), name), tensor));
  }

  @Override
  public void close() {
    copy.close();
  }
}
