package io.github.lora4j.nn.step;

import io.github.lora4j.tensor.RowInput;
import java.util.ArrayList;
import java.util.List;

/** One thread's part of an MLP. */
public final class StepMlp implements AutoCloseable {

  private final StepPart part;
  private final List<StepLinear> inputs;
  private final StepLinear down;
  private final FloatFunction activation;
  private final Form form;
  private final int width;
  private final List<float[]> opened;
  private final float[] hidden; // its own stretch only
  private final RowInput packed;

  /** A function of one number. */
  public interface FloatFunction {
    /** Its value. */
    float at(float x);
  }

  /** How an MLP opens: a gate beside a projection, both in one layer, or no gate. */
  public enum Form {
    /** Two layers, the gate first. */
    GATE_AND_UP,
    /** One layer of both, the gate first. */
    JOINT,
    /** One layer without a gate. */
    PLAIN;

    /** Equal stretches of outputs that the first layer's outputs consist of. */
    public int pieces() {
      return this == JOINT ? 2 : 1;
    }
  }

  /**
   * Takes ownership of the layers.
   *
   * @param inputs one or two, as the form has them
   */
  public StepMlp(
      StepPart part,
      List<StepLinear> inputs,
      StepLinear down,
      FloatFunction activation,
      Form form) {
    this.part = part;
    this.inputs = inputs;
    this.down = down;
    this.activation = activation;
    this.form = form;
    this.width = inputs.get(0).outFeatures() / form.pieces();
    this.opened = new ArrayList<>();
    for (StepLinear layer : inputs) {
      opened.add(part.own("mlp " + opened.size(), part.rows() * layer.outFeatures()));
    }
    this.hidden = part.own("mlp", part.rows() * width);
    this.packed = part.sharedInput("mlp", width);
  }

  /**
   * Computes this thread's outputs; the others wait for it inside.
   *
   * @param x packed, {@code [rows, hidden]}
   * @param y takes them, {@code [rows, hidden]}
   */
  public void apply(RowInput x, float[] y) {
    for (int i = 0; i < inputs.size(); i++) {
      inputs.get(i).apply(x, opened.get(i));
    }
    int from = part.from(width);
    int to = part.to(width);
    for (int row = 0; row < part.rows(); row++) {
      activate(row, from, to);
    }
    packed.pack(hidden, from, to);
    part.barrier();
    down.apply(packed, y);
  }

  private void activate(int row, int from, int to) {
    float[] gate = opened.get(0);
    float[] up = opened.get(opened.size() - 1);
    int gateAt = row * (form == Form.JOINT ? 2 * width : width);
    int upAt = form == Form.JOINT ? gateAt + width : gateAt;
    int target = row * width;
    for (int i = from; i < to; i++) {
      float value = activation.at(gate[gateAt + i]);
      hidden[target + i] = form == Form.PLAIN ? value : value * up[upAt + i];
    }
  }

  @Override
  public void close() {
    inputs.forEach(StepLinear::close);
    down.close();
  }
}
