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

  /**
   * Gated MLPs of which a router sends each token to a few.
   *
   * @param router the linear layer that chooses
   * @param experts the module of the stacked weights {@code gate_up_proj} {@code [count, 2 *
   *     intermediate, hidden]} and {@code down_proj} {@code [count, hidden, intermediate]}
   * @param count how many experts there are
   * @param perToken how many a token goes to
   * @param normalised whether the weights of a token's experts sum to one
   * @param stored what checkpoints call the weights of single experts
   */
  record Experts(
      String router,
      String experts,
      int count,
      int perToken,
      boolean normalised,
      int intermediateSize,
      Activation activation,
      StoredExpert stored)
      implements MlpSpec {

    /** The name of the stacked gates and up projections. */
    public String gateUp() {
      return experts + ".gate_up_proj";
    }

    /** The name of the stacked down projections. */
    public String down() {
      return experts + ".down_proj";
    }
  }

  /**
   * The last part of the names of one expert's linear layers in a checkpoint, such as {@code
   * mlp.experts.0.gate_proj}.
   *
   * @param gate the gate's
   * @param up the up projection's
   * @param down the down projection's
   */
  record StoredExpert(String gate, String up, String down) {}

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
