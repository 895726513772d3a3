package io.github.lora4j.model;

import io.github.lora4j.model.DecoderSpec.LinearSpec;
import io.github.lora4j.nn.Activation;

/** The MLP of a block. */
public sealed interface MlpSpec {

  /** Features between the projections. */
  int intermediateSize();

  /** {@code down(act(gate(x)) * up(x))}. */
  record Gated(
      LinearSpec gate, LinearSpec up, LinearSpec down, int intermediateSize, Activation activation)
      implements MlpSpec {}

  /** The same with gate and up in one layer, the gate first. */
  record JointGated(LinearSpec gateUp, LinearSpec down, int intermediateSize, Activation activation)
      implements MlpSpec {}

  /** {@code down(act(up(x)))}. */
  record Plain(LinearSpec up, LinearSpec down, int intermediateSize, Activation activation)
      implements MlpSpec {}

  /** Llama's names: {@code mlp.gate_proj} and so on. */
  static Gated llama(int intermediateSize, Activation activation, boolean bias) {
    return new Gated(
        LinearSpec.of("mlp.gate_proj", bias),
        LinearSpec.of("mlp.up_proj", bias),
        LinearSpec.of("mlp.down_proj", bias),
        intermediateSize,
        activation);
  }
}
