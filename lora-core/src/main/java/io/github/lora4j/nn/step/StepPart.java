package io.github.lora4j.nn.step;

import io.github.lora4j.tensor.RowInput;
import io.github.lora4j.tensor.RowKernels;
import io.github.lora4j.tensor.RowSums;
import java.util.HashMap;
import java.util.Map;

/**
 * What one thread's layers are made with: which outputs are its own, and the memory that they use
 * one after another.
 *
 * <p>What is called shared is the same in all parts: each thread writes its own stretch, all read
 * the whole behind a barrier. Everything else is a thread's own. Layers that ask for the same name
 * and size get the same memory, and each overwrites what the one before left.
 */
public final class StepPart implements AutoCloseable {

  /** Outputs come in multiples of this, as many as a register holds. */
  private static final int GRAIN = 16;

  private final StepTeam team;
  private final int index;
  private final StepShared common;
  private final Map<String, float[]> own = new HashMap<>();
  private final Map<String, RowInput> inputs = new HashMap<>();
  private final Map<String, RowSums> sums = new HashMap<>();

  /**
   * Makes a part.
   *
   * @param index of the thread in its team
   * @param common what all parts of a team are given
   */
  public StepPart(StepTeam team, int index, StepShared common) {
    this.team = team;
    this.index = index;
    this.common = common;
  }

  /** What multiplies. */
  public RowKernels kernels() {
    return common.kernels();
  }

  /** How many rows there are. */
  public int rows() {
    return kernels().rows();
  }

  /** Waits for the other threads. */
  public void barrier() {
    team.barrier();
  }

  /** The first of so many outputs that is this part's; even. */
  public int from(int outputs) {
    return border(outputs, index);
  }

  /** Behind the last of so many outputs that is this part's. */
  public int to(int outputs) {
    return border(outputs, index + 1);
  }

  private int border(int outputs, int part) {
    if (part == team.count()) {
      return outputs;
    }
    int grain = outputs / GRAIN < team.count() ? 2 : GRAIN;
    return (int) ((long) (outputs / grain) * part / team.count()) * grain;
  }

  /** The first of so many pieces of work of one kind that is this part's. */
  public int unitFrom(int units) {
    return (int) ((long) units * index / team.count());
  }

  /** Behind the last of so many pieces of work that is this part's. */
  public int unitTo(int units) {
    return (int) ((long) units * (index + 1) / team.count());
  }

  /** A shared array. */
  public float[] shared(String name, int size) {
    return common.array(name, size);
  }

  /** A shared place for an input, of which each part packs its stretch. */
  public RowInput sharedInput(String name, int features) {
    return common.input(name, features);
  }

  /** An array of this part's own. */
  public float[] own(String name, int size) {
    return own.computeIfAbsent(name + " " + size, key -> new float[size]);
  }

  /** A place for an input of this part's own. */
  public RowInput input(String name, int features) {
    return inputs.computeIfAbsent(name + " " + features, key -> kernels().input(features));
  }

  /** A place for sums. */
  public RowSums sums(String name, int outputs) {
    return sums.computeIfAbsent(name + " " + outputs, key -> kernels().sums(outputs));
  }

  @Override
  public void close() {
    inputs.values().forEach(RowInput::close);
    sums.values().forEach(RowSums::close);
  }
}
