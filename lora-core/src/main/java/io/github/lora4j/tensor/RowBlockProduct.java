package io.github.lora4j.tensor;

import io.github.lora4j.internal.torch.Brgemm;

/**
 * A product as oneDNN's small kernels make it: the weight is what is multiplied, the rows are
 * columns, so that it can stay as it lies in its file.
 */
final class RowBlockProduct implements RowProduct {

  /** Bytes of the weight for one call; measured: fewer cost calls, more leave the near cache. */
  private static final int AT_ONCE = 150_000;

  /** Outputs come in multiples of this. */
  private static final int GRAIN = 16;

  private final Tensor weight;
  private final long address;
  private final boolean bfloat16;
  private final int outputs;
  private final int inputs;
  private final int bytes; // of a number
  private final int atOnce; // outputs of one call
  private final ReadAhead readAhead;

  RowBlockProduct(Tensor weight) {
    this.weight = weight;
    this.address = weight.address();
    this.bfloat16 = weight.dtype() == DType.BF16;
    this.outputs = Math.toIntExact(weight.size(0));
    this.inputs = Math.toIntExact(weight.size(1));
    this.bytes = weight.dtype().byteSize();
    this.atOnce = Math.max(GRAIN, AT_ONCE / Math.max(1, bytes * inputs) / GRAIN * GRAIN);
    this.readAhead = new ReadAhead(weight);
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
    long row = (long) bytes * inputs;
    for (int from = 0; from < outputs; from += atOnce) {
      int count = Math.min(atOnce, outputs - from);
      readAhead.read(from * row, (from + count) * row);
      multiply(x, count, add, address + from * row, c + 4L * from * x.rows());
    }
  }

  private void multiply(RowInput x, int count, boolean add, long first, long c) {
    if (bfloat16) {
      Brgemm.bfloat16(count, x.rows(), inputs, inputs, add, first, x.address(), c);
    } else {
      Brgemm.float32(count, x.rows(), inputs, inputs, add, first, x.address(), c);
    }
  }

  @Override
  public void close() {
    weight.close();
  }
}
