package io.github.lora4j.tensor;

import io.github.lora4j.internal.torch.LargeBlocks;
import java.util.Optional;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.pytorch.PointerConsumer;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;

/**
 * Tensors of the CPU in {@link LargeBlocks}, and products that are written there: what is kept for
 * the way back lies here, so that nothing that comes and goes leaves gaps in it.
 */
final class LargeTensors {

  /** Called with the address of a tensor's memory when nobody uses it any more, by any thread. */
  private static final PointerConsumer FREE =
      new PointerConsumer() {
        @Override
        public void call(Pointer memory) {
          LargeBlocks.free(memory.address());
        }
      };

  private LargeTensors() {}

  private static final class At extends Pointer {
    At(long address) {
      this.address = address;
    }
  }

  /** Whether a tensor is large enough and on the CPU. */
  static boolean suit(DType dtype, Device device, long... shape) {
    return bytes(dtype, shape) >= LargeBlocks.SMALLEST && device.equals(Device.CPU);
  }

  private static long bytes(DType dtype, long... shape) {
    long bytes = dtype.byteSize();
    for (long size : shape) {
      bytes *= size;
    }
    return bytes;
  }

  /** Uninitialised memory: a block, or where there is none, libtorch's own. */
  static org.bytedeco.pytorch.Tensor empty(DType dtype, TensorOptions options, long... shape) {
    var address = LargeBlocks.allocate(bytes(dtype, shape));
    return address.isPresent()
        ? torch.from_blob(new At(address.getAsLong()), shape, FREE, options)
        : torch.empty(shape, options, null);
  }

  /** Whether {@link #linear} can make a product: nothing is recorded or converted. */
  static boolean suitLinear(Tensor x, Tensor weight) {
    return !NoGrad.gradEnabled()
        && x.dtype() == weight.dtype()
        && suit(x.dtype(), x.device(), x.numel() / x.size(-1), weight.size(0))
        && Autocast.current(x.device()).isEmpty();
  }

  /**
   * Multiplies by a transposed weight.
   *
   * @param x {@code [..., in]}
   * @param weight {@code [out, in]}
   * @param bias {@code [out]}, added where there is one
   * @return {@code [..., out]}
   */
  static Tensor linear(Tensor x, Tensor weight, Optional<Tensor> bias) {
    try (TensorScope scope = TensorScope.open()) {
      long[] shape = x.shape();
      shape[shape.length - 1] = weight.size(0);
      Tensor y = Tensor.empty(x.dtype(), x.device(), shape);
      Tensor out = y.view(-1, weight.size(0));
      Tensor rows = x.reshape(-1, x.size(-1));
      Tensor by = weight.transpose(0, 1);
      if (bias.isPresent()) {
        torch.addmm_out(out.handle(), bias.get().handle(), rows.handle(), by.handle());
      } else {
        torch.mm_out(out.handle(), rows.handle(), by.handle());
      }
      return scope.handOver(y);
    }
  }

  /** {@code a b} of matrices. */
  static Tensor product(Tensor a, Tensor b) {
    if (NoGrad.gradEnabled()
        || a.dtype() != b.dtype()
        || !suit(a.dtype(), a.device(), a.size(0), b.size(1))) {
      return a.matmul(b);
    }
    Tensor result = Tensor.empty(a.dtype(), a.device(), a.size(0), b.size(1));
    torch.mm_out(result.handle(), a.handle(), b.handle());
    return result;
  }
}
