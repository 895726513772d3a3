package io.github.lora4j.nn.step;

import io.github.lora4j.tensor.RowInput;
import io.github.lora4j.tensor.RowProduct;
import io.github.lora4j.tensor.RowSums;
import io.github.lora4j.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** One thread's outputs of a linear layer, with the low-rank updates beside it. */
public final class StepLinear implements AutoCloseable {

  private final StepPart part;
  private final int outFeatures;
  private final float[] bias; // empty for none
  private final List<Piece> pieces = new ArrayList<>();
  private final List<StepUpdate> updates = new ArrayList<>();

  /** A stretch of outputs. */
  private record Piece(int from, RowProduct product, RowSums sums) {}

  private StepLinear(StepPart part, int outFeatures, float[] bias) {
    this.part = part;
    this.outFeatures = outFeatures;
    this.bias = bias;
  }

  /**
   * A thread's part of a dense layer.
   *
   * @param weight {@code [out, in]}
   * @param pieces equal stretches of outputs, of each of which the thread has its part: two where a
   *     gate and what it is multiplied with are one layer
   * @return empty if the kernels don't suit
   */
  public static Optional<StepLinear> of(
      StepPart part, Tensor weight, Optional<Tensor> bias, int pieces) {
    if (!part.kernels().suits(weight) || weight.dtype() != part.kernels().dtype()) {
      return Optional.empty();
    }
    int out = Math.toIntExact(weight.size(0));
    StepLinear layer =
        new StepLinear(part, out, bias.map(Tensor::toFloatArray).orElse(new float[0]));
    int size = out / pieces;
    for (int piece = 0; piece < pieces; piece++) {
      int from = piece * size + part.from(size);
      int to = piece * size + part.to(size);
      RowProduct product = part.kernels().product(weight, from, to);
      layer.pieces.add(new Piece(from, product, part.sums("outputs", to - from)));
    }
    return Optional.of(layer);
  }

  /**
   * Adds an update, rounded to the kernels' dtype.
   *
   * @param a {@code [r, in]}
   * @param b {@code [out, r]}
   * @return whether the kernels suit; nothing has changed if not
   */
  public boolean add(Tensor a, Tensor b, double scaling) {
    if (!part.kernels().suits(a) || !part.kernels().suits(b)) {
      return false;
    }
    List<RowProduct> rowsOfB = new ArrayList<>();
    for (Piece piece : pieces) {
      int to = piece.from() + piece.product().outputs();
      rowsOfB.add(part.kernels().product(b, piece.from(), to));
    }
    updates.add(new StepUpdate(part, a, rowsOfB, scaling));
    return true;
  }

  /** How many outputs all threads have together. */
  public int outFeatures() {
    return outFeatures;
  }

  /**
   * Computes this thread's outputs.
   *
   * @param x packed
   * @param y takes them, row-major {@code [rows, outFeatures]}
   */
  public void apply(RowInput x, float[] y) {
    for (int i = 0; i < pieces.size(); i++) {
      Piece piece = pieces.get(i);
      RowSums sums = piece.sums();
      sums.clear();
      piece.product().addTo(x, sums);
      for (StepUpdate update : updates) {
        update.addTo(x, i, sums);
      }
      int count = piece.product().outputs();
      sums.copyTo(y, piece.from(), outFeatures, count);
      addBias(y, piece.from(), count);
    }
  }

  private void addBias(float[] y, int from, int count) {
    if (bias.length == 0) {
      return;
    }
    for (int row = 0; row < part.rows(); row++) {
      for (int i = from; i < from + count; i++) {
        y[row * outFeatures + i] += bias[i];
      }
    }
  }

  @Override
  public void close() {
    pieces.forEach(piece -> piece.product().close());
    updates.forEach(StepUpdate::close);
  }
}
