package io.github.lora4j.peft;

import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Generator;
import io.github.lora4j.tensor.LinearAlgebra;
import io.github.lora4j.tensor.NoGrad;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The principal directions of rows that come in batches: PEFT's {@code IncrementalPCA} with the
 * randomized decomposition and the seed that EVA gives it, number for number.
 */
final class IncrementalPca implements AutoCloseable {

  private static final int ITERATIONS = 4;
  private static final long SEED = 42;

  private final int count;
  private final double[] ratios;
  private long rowsSeen;
  private @Nullable Tensor mean; // [in], F64
  private @Nullable Tensor variance; // [in], F64, of the population
  private @Nullable Tensor components; // [count, in]
  private @Nullable Tensor singularValues; // [count]

  /**
   * Begins.
   *
   * @param count how many directions are kept, at most the rows of a batch and their length
   */
  IncrementalPca(int count) {
    this.count = count;
    this.ratios = new double[count];
  }

  int count() {
    return count;
  }

  boolean isFitted() {
    return components != null;
  }

  /** The directions found so far, {@code [count, in]}, the strongest first; borrowed. */
  Tensor components() {
    return fitted(components);
  }

  /** Their singular values, {@code [count]}; borrowed. */
  Tensor singularValues() {
    return fitted(singularValues);
  }

  /** The share of each in the variance of all that was seen. */
  double[] explainedVarianceRatios() {
    fitted(components);
    return ratios.clone();
  }

  private static Tensor fitted(@Nullable Tensor tensor) {
    if (tensor == null) {
      throw new IllegalStateException("No batch has been seen yet.");
    }
    return tensor;
  }

  /**
   * Takes a batch in.
   *
   * @param rows {@code [n, in]}, at least as many as directions are kept
   */
  void fit(Tensor rows) {
    try (TensorScope scope = TensorScope.open();
        NoGrad noGrad = NoGrad.open();
        Generator generator = Generator.of(SEED)) {
      Tensor x = rows.to(DType.F32);
      long n = x.size(0);
      long total = rowsSeen + n;
      Moments moments = moments(x.to(DType.F64), n, total);
      LinearAlgebra.Svd parts =
          LinearAlgebra.svdLowRank(
                  stacked(x, n, total, moments.mean), 2 * count, ITERATIONS, generator)
              .first(count);
      double whole = moments.variance.sum().item() * total;
      double[] values = parts.s().toDoubleArray();
      for (int i = 0; i < count; i++) {
        ratios[i] = values[i] * values[i] / whole;
      }
      replace(moments, flipped(parts.vh()), parts.s());
      rowsSeen = total;
    }
  }

  private record Moments(Tensor mean, Tensor variance) {}

  private Moments moments(Tensor x, long n, long total) {
    Tensor sum = x.sum(0, false);
    Tensor squares = x.add(sum.mul(1.0 / n), -1).square().sum(0, false);
    if (mean == null || variance == null) {
      return new Moments(sum.mul(1.0 / n), squares.mul(1.0 / n));
    }
    Tensor lastSum = mean.mul(rowsSeen);
    double ratio = (double) rowsSeen / n;
    Tensor between = lastSum.mul(1 / ratio).add(sum, -1).square().mul(ratio / total);
    return new Moments(
        lastSum.add(sum).mul(1.0 / total),
        variance.mul(rowsSeen).add(squares).add(between).mul(1.0 / total));
  }

  /** What has the directions of all rows so far: F32 for a first batch, F64 later, as in PEFT. */
  private Tensor stacked(Tensor x, long n, long total, Tensor newMean) {
    if (mean == null || components == null || singularValues == null) {
      return x.to(DType.F64).add(newMean, -1).to(DType.F32);
    }
    Tensor batchMean = x.mean(0, false);
    Tensor before = components.mul(singularValues.unsqueeze(1));
    Tensor centred = x.add(batchMean, -1);
    double weight = Math.sqrt((double) rowsSeen / total * n);
    Tensor shift = mean.add(batchMean.to(DType.F64), -1).mul(weight).unsqueeze(0);
    return Tensor.cat(List.of(before.to(DType.F64), centred.to(DType.F64), shift), 0);
  }

  /** Directions with their largest element positive: a decomposition may give either sign. */
  private static Tensor flipped(Tensor rows) {
    Tensor places = rows.abs().argmax(1).unsqueeze(1);
    return rows.mul(rows.gather(1, places).sign());
  }

  private void replace(Moments moments, Tensor newComponents, Tensor newValues) {
    close();
    mean = TensorScope.keep(moments.mean);
    variance = TensorScope.keep(moments.variance);
    components = TensorScope.keep(newComponents);
    singularValues = TensorScope.keep(newValues.copy());
  }

  /** Forgets what it saw. */
  @Override
  public void close() {
    for (Tensor tensor : new @Nullable Tensor[] {mean, variance, components, singularValues}) {
      if (tensor != null) {
        tensor.close();
      }
    }
    mean = null;
    variance = null;
    components = null;
    singularValues = null;
    rowsSeen = 0;
  }
}
