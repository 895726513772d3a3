package io.github.lora4j.tensor;

import io.github.lora4j.internal.torch.Brgemm;
import io.github.lora4j.internal.torch.Gemv;
import java.util.Optional;
import org.bytedeco.pytorch.global.torch;

/**
 * Products of a few rows with weights that several threads share, each computing some of the
 * outputs: what a decoding step consists of. Inputs and outputs are Java arrays; nothing here
 * records gradients.
 */
public final class RowKernels {

  /** More rows than this are libtorch's. */
  public static final int MOST = 16;

  private final DType dtype;
  private final int rows;

  private RowKernels(DType dtype, int rows) {
    this.dtype = dtype;
    this.rows = rows;
  }

  /**
   * The kernels of this machine's processor.
   *
   * @param dtype of the weights
   * @return empty where there are none for this dtype or so many rows
   */
  public static Optional<RowKernels> of(DType dtype, int rows) {
    boolean has =
        switch (dtype) {
          case BF16 -> Brgemm.hasBfloat16() && (rows > 1 || Gemv.isThere());
          // Blocks would read float32 weights at a fifth of the memory's speed for a single row.
          case F32 -> Brgemm.hasFloat32() && rows > 1;
          default -> false;
        };
    return has && rows >= 1 && rows <= MOST
        ? Optional.of(new RowKernels(dtype, rows))
        : Optional.empty();
  }

  /** The dtype of the weights. */
  public DType dtype() {
    return dtype;
  }

  /** How many rows there are. */
  public int rows() {
    return rows;
  }

  /** Whether a weight can be multiplied by: its rows are dense, their length even. */
  public boolean suits(Tensor weight) {
    return weight.dim() == 2
        && weight.device().equals(Device.CPU)
        && weight.isContiguous()
        && weight.size(1) % 2 == 0;
  }

  /**
   * A place for inputs.
   *
   * @param features how many numbers a row has
   */
  public RowInput input(int features) {
    return new RowInput(dtype, rows, features);
  }

  /**
   * A place for sums.
   *
   * @param features how many numbers a row has at most
   */
  public RowSums sums(int features) {
    return new RowSums(rows, features);
  }

  /**
   * Some outputs of a linear layer.
   *
   * @param weight {@code [out, in]}, that {@link #suits}; rounded to the kernels' dtype if it has
   *     another
   * @param from the first output
   * @param to behind the last
   */
  public RowProduct product(Tensor weight, long from, long to) {
    if (!suits(weight)) {
      throw new IllegalArgumentException(
          "weight: expected a dense matrix on the CPU with an even number of columns, found "
              + weight);
    }
    try (TensorScope scope = TensorScope.open()) {
      Tensor some = weight.detach().narrow(0, from, to - from).to(dtype);
      Tensor kept = TensorScope.keep(some.alias());
      return rows == 1 && RowVectorProduct.suits(kept)
          ? new RowVectorProduct(kept)
          : new RowBlockProduct(kept);
    }
  }

  /** A stretch of code in which libtorch uses the calling thread only. */
  public interface Region extends AutoCloseable {
    @Override
    void close();
  }

  /** How many threads libtorch uses. */
  public static int threads() {
    return torch.get_num_threads();
  }

  /** Opens such a stretch. */
  public static Region oneThread() {
    OneThread alone = new OneThread();
    return alone::close;
  }

  /** Makes libtorch use the calling thread only whenever that calls it. */
  public static void oneThreadFromNowOn() {
    OneThread.forThisThread();
  }

  /** To be called by each thread behind its last product. */
  public void release() {
    Brgemm.release(dtype == DType.BF16);
  }
}
