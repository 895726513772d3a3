package io.github.lora4j.peft;

import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.NoGrad;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * The directions of one layer's inputs, and which of them no longer move: PEFT's {@code SVDHook}.
 */
final class EvaDirections implements AutoCloseable {

  private static final double LEAST_LENGTH = 1e-8;

  private final IncrementalPca pca;
  private final double tau;
  private final boolean[] converged;
  private boolean tooFewRows;

  /**
   * Begins.
   *
   * @param count how many directions are looked for
   * @param tau the least cosine of one that no longer moves
   */
  EvaDirections(int count, double tau) {
    this.pca = new IncrementalPca(count);
    this.tau = tau;
    this.converged = new boolean[count];
  }

  /**
   * Takes a batch in; one with fewer rows than directions is passed over, as in PEFT.
   *
   * @param rows {@code [n, in]}
   */
  void see(Tensor rows) {
    tooFewRows = rows.size(0) < pca.count();
    if (tooFewRows) {
      return;
    }
    try (TensorScope scope = TensorScope.open();
        NoGrad noGrad = NoGrad.open()) {
      if (!pca.isFitted()) {
        pca.fit(rows);
        return;
      }
      Tensor before = pca.components().to(DType.F64).copy();
      pca.fit(rows);
      double[] cosines = cosines(before, pca.components().to(DType.F64)).toDoubleArray();
      for (int i = 0; i < converged.length; i++) {
        converged[i] = cosines[i] >= tau;
      }
    }
  }

  private static Tensor cosines(Tensor a, Tensor b) {
    Tensor lengths = a.square().sum(1, false).mul(b.square().sum(1, false)).sqrt();
    return a.mul(b).sum(1, false).div(lengths.clamp(LEAST_LENGTH, Double.POSITIVE_INFINITY));
  }

  boolean isFitted() {
    return pca.isFitted();
  }

  /** Whether the last batch was passed over. */
  boolean hadTooFewRows() {
    return tooFewRows;
  }

  /** Whether the first {@code rank} no longer move. */
  boolean hasConverged(int rank) {
    return IntStream.range(0, rank).allMatch(i -> converged[i]);
  }

  /** The shares of the directions in the variance, of the first {@code count}. */
  double[] ratios(int count) {
    return Arrays.copyOf(pca.explainedVarianceRatios(), count);
  }

  /**
   * The first directions, as A of an adapter.
   *
   * @return {@code [rank, in]}, F32, in the caller's scope
   */
  Tensor first(int rank, boolean whiten) {
    try (TensorScope scope = TensorScope.open();
        NoGrad noGrad = NoGrad.open()) {
      Tensor rows = pca.components().narrow(0, 0, rank);
      if (whiten) {
        rows = rows.div(pca.singularValues().narrow(0, 0, rank).sqrt().unsqueeze(1));
      }
      return scope.handOver(rows.to(DType.F32).copy());
    }
  }

  @Override
  public void close() {
    pca.close();
  }
}
