package io.github.lora4j.tensor;

import io.github.lora4j.internal.torch.Brgemm;

/**
 * A product as oneDNN's small kernels make it: the weight is what is multiplied, the rows are
 * columns, so that it can stay as it lies in its file.
 */
final class RowBlockProduct implements RowProduct {

  /** Outputs of one call; measured: fewer cost calls, more are read at three quarters the speed. */
  private static final int AT_ONCE = 64;

  private final Tensor weight;
  private final long address;
  private final boolean bfloat16;
  private final int outputs;
  private final int inputs;

  RowBlockProduct(Tensor weight) {
    this.weight = weight;
    this.address = weight.address();
    this.bfloat16 = weight.dtype() == DType.BF16;
    this.outputs = Math.toIntExact(weight.size(0));
    this.inputs = Math.toIntExact(weight.size(1));
  }

  @Override
  public int outputs() {
    return outputs;
  }

  @Override
  public void addTo(RowInput x, RowSums sums) {
    x.require(inputs);
    if (outputs == 0) {
      return;
    }
    long c = sums.blocks(outputs);
    boolean add = sums.startBlocks();
    for (int from = 0; from < outputs; from += AT_ONCE) {
      int count = Math.min(AT_ONCE, outputs - from);
      multiply(x, count, add, (long) from * inputs, c + 4L * from * x.rows());
    }
  }

  private void multiply(RowInput x, int count, boolean add, long first, long c) {
    if (bfloat16) {
      Brgemm.bfloat16(count, x.rows(), inputs, inputs, add, address + 2 * first, x.address(), c);
    } else {
      Brgemm.float32(count, x.rows(), inputs, inputs, add, address + 4 * first, x.address(), c);
    }
  }

  @Override
  public void close() {
    weight.close();
  }
}
