package io.github.lora4j.tensor;

import io.github.lora4j.internal.torch.Gemv;
import java.nio.ShortBuffer;

/** A bfloat16 weight times one row, where each weight is read once and memory is the limit. */
final class RowVectorProduct implements RowProduct {

  /** Elements below which a call costs more than its product gains. */
  private static final long WORTH_IT = 1 << 15;

  private final Tensor weight;
  private final long address;
  private final int inputs;
  private final Tensor result;
  private final ShortBuffer halves;
  private final short[] bits;
  private final float[] numbers;

  RowVectorProduct(Tensor weight) {
    this.weight = weight;
    this.address = weight.address();
    int outputs = Math.toIntExact(weight.size(0));
    this.inputs = Math.toIntExact(weight.size(1));
    try (TensorScope scope = TensorScope.open()) {
      this.result = TensorScope.keep(Tensor.empty(DType.BF16, Device.CPU, outputs));
    }
    this.halves = Rows.halves(result);
    this.bits = new short[outputs];
    this.numbers = new float[outputs];
  }

  /** Whether the kernel is there and pays. */
  static boolean suits(Tensor weight) {
    return weight.dtype() == DType.BF16 && weight.numel() >= WORTH_IT && Gemv.isThere();
  }

  @Override
  public int outputs() {
    return bits.length;
  }

  @Override
  public void addTo(RowInput x, RowSums sums) {
    x.require(inputs);
    Gemv.multiply(bits.length, inputs, address, x.address(), result.address());
    halves.get(0, bits);
    for (int i = 0; i < bits.length; i++) {
      numbers[i] = Float.intBitsToFloat(bits[i] << 16);
    }
    sums.add(numbers);
  }

  @Override
  public void close() {
    weight.close();
    result.close();
  }
}
