package io.github.lora4j.tensor;

/**
 * A product with one row, where each weight is read once and memory is the limit: {@link FewRows}.
 */
final class RowVectorProduct implements RowProduct {

  /** Elements below which what an operator costs is more than it gains. */
  static final long WORTH_IT = 1 << 15;

  private final Tensor weight;
  private final float[] result;

  RowVectorProduct(Tensor weight) {
    this.weight = weight;
    this.result = new float[Math.toIntExact(weight.size(0))];
  }

  @Override
  public int outputs() {
    return result.length;
  }

  @Override
  public void addTo(RowInput x, RowSums sums) {
    try (TensorScope scope = TensorScope.open();
        NoGrad noGrad = NoGrad.open()) {
      Rows.read(FewRows.linear(x.tensor(), weight), 0, result, result.length);
    }
    sums.add(result);
  }

  @Override
  public void close() {
    weight.close();
  }
}
