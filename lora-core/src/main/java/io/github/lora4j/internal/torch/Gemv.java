package io.github.lora4j.internal.torch;

import com.sun.jna.Library;
import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Platform;
import com.sun.jna.SymbolProvider;
import java.util.Map;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * libtorch's product of a bfloat16 matrix and a vector, {@code bf16_gemv_trans}, called without an
 * operator around it: two threads reach the memory's speed with it, and oneDNN's operator, which
 * {@code torch.linear} takes for the same, half of that.
 *
 * <p>Addresses aren't checked: a wrong one ends the process.
 */
public final class Gemv {

  private static final Logger LOG = LoggerFactory.getLogger(Gemv.class);

  /** Where libtorch keeps the address of its kernel for AVX2, as g++ writes the variable's name. */
  private static final String SYMBOL =
      "_ZN2at6native12DispatchStubIPFviiN3c108BFloat16EPKS3_iS5_iS3_PS3_iENS0_"
          + "42bf16_gemv_trans_stub_DECLARE_DISPATCH_typeEE4AVX2E";

  private static final short ONE = 0x3f80;
  private static final short ZERO = 0;

  private static final boolean THERE = load();

  private Gemv() {}

  /** The function itself, in the order of its signature. */
  private static final class Functions {

    static native void multiply(
        int m, int n, short alpha, long a, int lda, long x, int incx, short beta, long y, int incy);
  }

  private static boolean load() {
    NativeRuntime.ensureLoaded();
    Set<String> flags = CpuModel.flagsOfThisMachine();
    if (!Platform.isLinux() || !Platform.isIntel() || !flags.containsAll(Set.of("avx2", "fma"))) {
      return false;
    }
    try {
      String path = TorchLibrary.path();
      long kernel =
          NativeLibrary.getInstance(path)
              .getGlobalVariableAddress(SYMBOL)
              .getNativeLong(0)
              .longValue();
      if (kernel == 0) {
        return false;
      }
      // Bound like a function of the library, for a call through a pointer boxes its arguments.
      SymbolProvider variable = (library, name, usual) -> kernel;
      Native.register(
          Functions.class,
          NativeLibrary.getInstance(path, Map.of(Library.OPTION_SYMBOL_PROVIDER, variable)));
      return true;
    } catch (LinkageError | RuntimeException e) {
      LOG.debug("This build of libtorch doesn't show its products with a vector", e);
      return false;
    }
  }

  /** Whether {@link #multiply} can be called on this machine. */
  public static boolean isThere() {
    return THERE;
  }

  /**
   * Multiplies a matrix by a vector: {@code y = W x}, in the calling thread if libtorch may use no
   * other.
   *
   * @param rows of W
   * @param columns of W
   * @param w the address of W, bfloat16, dense
   * @param x of the vector, bfloat16
   * @param y of what takes the result, bfloat16
   */
  public static void multiply(int rows, int columns, long w, long x, long y) {
    Functions.multiply(columns, rows, ONE, w, columns, x, 1, ZERO, y, 1);
  }
}
