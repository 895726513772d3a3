package io.github.lora4j.tensor;

import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.StringViewOptional;
import org.bytedeco.pytorch.T_TensorTensorTensor_T;
import org.bytedeco.pytorch.T_TensorTensor_T;
import org.bytedeco.pytorch.global.torch;

/** The decompositions of {@code torch.linalg}, of F32 and F64 matrices. */
public final class LinearAlgebra {

  private LinearAlgebra() {}

  /**
   * A singular value decomposition {@code U diag(S) Vh}, reduced to {@code k} columns and rows.
   *
   * @param u {@code [m, k]}, orthonormal columns
   * @param s {@code [k]}, the largest first
   * @param vh {@code [k, n]}, orthonormal rows
   */
  public record Svd(Tensor u, Tensor s, Tensor vh) {

    /**
     * The part that belongs to the largest singular values, as views.
     *
     * @param rank at most {@code k}
     */
    public Svd first(int rank) {
      return new Svd(u.narrow(1, 0, rank), s.narrow(0, 0, rank), vh.narrow(0, 0, rank));
    }
  }

  /**
   * A decomposition {@code Q R}, reduced.
   *
   * @param q {@code [m, min(m, n)]}, orthonormal columns
   * @param r {@code [min(m, n), n]}, upper triangular
   */
  public record Qr(Tensor q, Tensor r) {}

  /** Decomposes a matrix {@code [m, n]}: {@code torch.linalg.svd(a, full_matrices=False)}. */
  public static Svd svd(Tensor a) {
    try (StringViewOptional anyDriver = new StringViewOptional();
        T_TensorTensorTensor_T parts = torch.linalg_svd(a.handle(), false, anyDriver)) {
      return new Svd(own(parts.get0()), own(parts.get1()), own(parts.get2()));
    }
  }

  /** Decomposes a matrix {@code [m, n]}: {@code torch.linalg.qr(a)}. */
  public static Qr qr(Tensor a) {
    try (T_TensorTensor_T parts = torch.linalg_qr(a.handle())) {
      return new Qr(own(parts.get0()), own(parts.get1()));
    }
  }

  /**
   * Approximates the largest singular values and their vectors by subspace iterations from random
   * numbers (Halko et al., 2009, algorithm 5.1): {@code torch.svd_lowrank}, number for number.
   *
   * @param a {@code [m, n]}
   * @param rank how many are looked for; the result has no more than {@code min(m, n)}
   * @param iterations at least 0; more come nearer to the exact decomposition
   * @param generator where the first subspace comes from
   */
  public static Svd svdLowRank(Tensor a, int rank, int iterations, Generator generator) {
    if (rank < 1 || iterations < 0) {
      throw new IllegalArgumentException(
          "expected a rank of at least 1 and iterations of at least 0, found "
              + rank
              + " and "
              + iterations);
    }
    boolean wide = a.size(0) < a.size(1);
    try (TensorScope scope = TensorScope.open()) {
      Tensor tall = wide ? a.transpose(0, 1) : a;
      Tensor basis = basis(tall, rank, iterations, generator);
      Svd inBasis = svd(basis.transpose(0, 1).matmul(tall));
      Tensor left = basis.matmul(inBasis.u);
      Tensor u = wide ? inBasis.vh.transpose(0, 1) : left;
      Tensor vh = wide ? left.transpose(0, 1) : inBasis.vh;
      return new Svd(scope.handOver(u), scope.handOver(inBasis.s), scope.handOver(vh));
    }
  }

  private static Tensor basis(Tensor tall, int rank, int iterations, Generator generator) {
    Tensor random = Tensor.empty(tall.dtype(), Device.CPU, tall.size(1), rank);
    try (var source = generator.optional()) {
      random.handle().normal_(0, 1, source);
    }
    Tensor basis = qr(tall.matmul(random.to(tall.device()))).q;
    for (int i = 0; i < iterations; i++) {
      basis = qr(tall.transpose(0, 1).matmul(basis)).q;
      basis = qr(tall.matmul(basis)).q;
    }
    return basis;
  }

  /**
   * The Euclidean lengths along a dimension: {@code torch.linalg.vector_norm(a, dim=dim)}.
   *
   * @return the shape without that dimension
   */
  public static Tensor norm(Tensor a, int dim) {
    try (Scalar two = new Scalar(2.0);
        ScalarTypeOptional same = new ScalarTypeOptional()) {
      return Tensor.wrap(torch.linalg_vector_norm(a.handle(), two, new long[] {dim}, false, same));
    }
  }

  private static Tensor own(org.bytedeco.pytorch.Tensor part) {
    return Tensor.wrap(new org.bytedeco.pytorch.Tensor(part));
  }
}
