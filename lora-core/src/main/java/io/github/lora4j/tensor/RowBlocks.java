package io.github.lora4j.tensor;

import io.github.lora4j.internal.torch.Brgemm;

/**
 * Products of blocks of memory with a few columns, as attention makes them; belongs to one thread.
 */
public final class RowBlocks implements AutoCloseable {

  private final boolean half;
  private final int columns;
  private final RowMemory packed;
  private final RowMemory result;

  /**
   * Makes room.
   *
   * @param dtype of the blocks
   * @param columns how many columns they are multiplied by
   * @param mostInner the greatest length of a column; even
   * @param mostOuter the greatest length of a column of the result
   */
  public RowBlocks(DType dtype, int columns, int mostInner, int mostOuter) {
    this.half = dtype == DType.BF16;
    this.columns = columns;
    try (TensorScope scope = TensorScope.open()) {
      Tensor in = Tensor.zeros(dtype, Device.CPU, mostInner, columns);
      Tensor out = Tensor.zeros(DType.F32, Device.CPU, mostOuter, columns);
      this.packed = RowMemory.of(TensorScope.keep(in.alias()));
      this.result = RowMemory.of(TensorScope.keep(out.alias()));
    }
  }

  /**
   * Takes a column.
   *
   * @param from its first number
   * @param count how many; an even number
   */
  public void column(int column, float[] values, int from, int count) {
    if (!half) {
      packed.put(column, columns, values, from, count);
      return;
    }
    for (int i = 0; i < count; i += 2) {
      packed.put((i * columns) + 2 * column, 1, values, from + i, 2);
    }
  }

  /**
   * Multiplies a block, {@code [outer, inner]}, by a stretch of the columns.
   *
   * @param address of the block
   * @param stride elements from one of its rows to the next
   * @param first where the stretch begins in the columns; even
   * @param to where the result's rows go
   * @param add whether to add to what is there
   */
  public void multiply(
      long address, int stride, int outer, int inner, int first, int to, boolean add) {
    long b = packed.address(first * columns);
    long c = result.address(to * columns);
    if (half) {
      Brgemm.bfloat16(outer, columns, inner, stride, add, address, b, c);
    } else {
      Brgemm.float32(outer, columns, inner, stride, add, address, b, c);
    }
  }

  /** Reads rows of the result, {@code [count, columns]}. */
  public void result(float[] into, int count) {
    result.get(0, into, 0, count * columns);
  }

  @Override
  public void close() {
    packed.close();
    result.close();
  }
}
