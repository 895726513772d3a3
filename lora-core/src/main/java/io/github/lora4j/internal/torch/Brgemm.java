package io.github.lora4j.internal.torch;

import com.sun.jna.FunctionMapper;
import com.sun.jna.Library;
import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Platform;
import java.util.Map;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * oneDNN's small matrix products, {@code at::native::cpublas::brgemm}: a call costs a third of a
 * microsecond, where an operator of libtorch costs ten, and any thread may make it for itself.
 *
 * <p>Addresses aren't checked: a wrong one ends the process.
 */
public final class Brgemm {

  private static final Logger LOG = LoggerFactory.getLogger(Brgemm.class);

  // How g++ writes the signatures (six longs, a flag, two inputs, the sums, a flag).
  private static final Map<String, String> SYMBOLS =
      Map.of(
          "bfloat16",
          "_ZN2at6native7cpublas6brgemmEllllllbPKN3c108BFloat16ES5_Pfb",
          "float32",
          "_ZN2at6native7cpublas6brgemmEllllllbPKfS3_Pfb",
          "release",
          "_ZN2at6native7cpublas14brgemm_releaseEb");

  private static final Set<String> FLAGS = load() ? CpuModel.flagsOfThisMachine() : Set.of();

  private Brgemm() {}

  /** The functions themselves. */
  private static final class Functions {

    static native void bfloat16(
        long m,
        long n,
        long k,
        long lda,
        long ldb,
        long ldc,
        boolean add,
        long a,
        long b,
        long c,
        boolean pairs);

    static native void float32(
        long m,
        long n,
        long k,
        long lda,
        long ldb,
        long ldc,
        boolean add,
        long a,
        long b,
        long c,
        boolean pairs);

    static native void release(boolean pairs);
  }

  private static boolean load() {
    NativeRuntime.ensureLoaded();
    if (!Platform.isLinux() || !Platform.isIntel() || System.getenv("ONEDNN_MAX_CPU_ISA") != null) {
      return false; // a processor that was made smaller than it is might refuse, and libtorch throw
    }
    try {
      FunctionMapper symbols = (own, method) -> SYMBOLS.get(method.getName());
      NativeLibrary torch =
          NativeLibrary.getInstance(
              TorchLibrary.path(), Map.of(Library.OPTION_FUNCTION_MAPPER, symbols));
      Native.register(Functions.class, torch);
      return true;
    } catch (LinkageError | RuntimeException e) {
      LOG.debug("This build of libtorch doesn't show its small products", e);
      return false;
    }
  }

  /** Whether {@link #bfloat16} can be called on this machine. */
  public static boolean hasBfloat16() {
    return FLAGS.contains("avx512_bf16");
  }

  /** Whether {@link #float32} can be called on this machine. */
  public static boolean hasFloat32() {
    return FLAGS.contains("avx512f");
  }

  /**
   * Multiplies: {@code C = A B}, or {@code C += A B}.
   *
   * @param m rows of A and C
   * @param n columns of B and C
   * @param k columns of A, rows of B; even
   * @param lda elements from one row of A to the next
   * @param a the address of A, bfloat16
   * @param b of B, bfloat16 {@code [k / 2, n, 2]}: pairs of rows interleaved
   * @param c of C, float32 {@code [m, n]}
   */
  public static void bfloat16(
      long m, long n, long k, long lda, boolean add, long a, long b, long c) {
    Functions.bfloat16(m, n, k, lda, n, n, add, a, b, c, true);
  }

  /**
   * The same for float32.
   *
   * @param b the address of B, {@code [k, n]}
   */
  public static void float32(
      long m, long n, long k, long lda, boolean add, long a, long b, long c) {
    Functions.float32(m, n, k, lda, n, n, add, a, b, c, false);
  }

  /** Ends what this thread's calls may have left switched on in the processor. */
  public static void release(boolean bfloat16) {
    Functions.release(bfloat16);
  }
}
