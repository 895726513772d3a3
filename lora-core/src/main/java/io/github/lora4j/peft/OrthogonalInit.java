package io.github.lora4j.peft;

import io.github.lora4j.tensor.Generator;
import io.github.lora4j.tensor.LinearAlgebra;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;

/**
 * A beginning where neither factor is zero, but their product is: A is made of some orthogonal
 * vectors, B of others; PEFT's {@code "orthogonal"}.
 */
final class OrthogonalInit {

  private static final double SIZE = 0.1;

  private OrthogonalInit() {}

  /**
   * Draws both.
   *
   * @param module for whom, for messages
   * @param r even
   */
  static InitialFactors of(String module, int r, int in, int out, Generator generator) {
    if (r < 2 || r % 2 != 0) {
      throw new IllegalArgumentException(
          "%s: initLoraWeights \"orthogonal\" halves the rank: r must be even, found %d"
              .formatted(module, r));
    }
    int half = r / 2;
    try (TensorScope scope = TensorScope.open()) {
      Tensor vectors = LinearAlgebra.qr(Tensor.normal(0, 1, generator, r, r)).q();
      // Rows 0, 2, … and rows 1, 3, …: [half, 2, r]
      Tensor pairs = vectors.contiguous().view(half, 2, r);
      Tensor ofA = Tensor.normal(0, SIZE, generator, in, half).matmul(pairs.select(1, 0));
      Tensor ofB = Tensor.normal(0, SIZE, generator, half, out).transpose(0, 1);
      Tensor a = ofA.transpose(0, 1).contiguous();
      Tensor b = ofB.matmul(pairs.select(1, 1)).contiguous();
      return InitialFactors.beside(scope.handOver(a), scope.handOver(b));
    }
  }
}
