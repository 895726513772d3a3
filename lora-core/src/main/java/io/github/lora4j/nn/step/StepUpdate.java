package io.github.lora4j.nn.step;

import io.github.lora4j.tensor.RowInput;
import io.github.lora4j.tensor.RowProduct;
import io.github.lora4j.tensor.RowSums;
import io.github.lora4j.tensor.Tensor;
import java.util.List;

/** One thread's part of a low-rank update, {@code scaling * B A}: A whole, of B its own rows. */
final class StepUpdate implements AutoCloseable {

  private final RowProduct a;
  private final List<RowProduct> b; // one a piece
  private final float scaling;
  private final float[] thin; // [rows, r]
  private final RowSums sums;
  private final RowInput input;

  StepUpdate(StepPart part, Tensor a, List<RowProduct> b, double scaling) {
    int r = Math.toIntExact(a.size(0));
    this.a = part.kernels().product(a, 0, r);
    this.b = b;
    this.scaling = (float) scaling;
    this.thin = part.own("thin", part.rows() * r);
    this.sums = part.sums("thin", r);
    this.input = part.input("thin", r);
  }

  /** Adds the update to what the layer itself makes of a piece's input. */
  void addTo(RowInput x, int piece, RowSums y) {
    // Updates share the place for what comes between A and B: each fills it anew.
    sums.clear();
    a.addTo(x, sums);
    sums.copyTo(thin, 0, a.outputs(), a.outputs());
    for (int i = 0; i < thin.length; i++) {
      thin[i] *= scaling;
    }
    input.pack(thin);
    b.get(piece).addTo(input, y);
  }

  @Override
  public void close() {
    a.close();
    b.forEach(RowProduct::close);
  }
}
