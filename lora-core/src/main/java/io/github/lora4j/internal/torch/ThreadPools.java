package io.github.lora4j.internal.torch;

import com.sun.jna.Library;
import com.sun.jna.Native;
import com.sun.jna.Platform;
import java.util.LinkedHashMap;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Puts what the native libraries read when they start into the environment of this process: how
 * their threads wait, and which kernels OpenBLAS takes.
 */
final class ThreadPools {

  private static final Logger LOG = LoggerFactory.getLogger(ThreadPools.class);

  private ThreadPools() {}

  /** Functions of the C library. */
  interface CLibrary extends Library {

    /**
     * Sets an environment variable of the running process; {@code overwrite} 0 keeps what the user
     * has set.
     */
    int setenv(String name, String value, int overwrite);
  }

  /**
   * Sleeping after a short spin instead of a long one: 2^16 cycles in OpenBLAS, a thousand pauses
   * in libgomp, which bridges the gap between two small operations.
   */
  private static Map<String, String> settings() {
    Map<String, String> settings = new LinkedHashMap<>();
    settings.put("OMP_WAIT_POLICY", "passive");
    settings.put("GOMP_SPINCOUNT", "1000");
    settings.put("OPENBLAS_THREAD_TIMEOUT", "16");
    // Tensors of 2 MB and more lie on huge pages, where the kernel offers them on request.
    settings.put("THP_MEM_ALLOC_ENABLE", "1");
    CpuModel.ofThisMachine()
        .flatMap(CpuModel::openBlasCore)
        .ifPresent(core -> settings.put("OPENBLAS_CORETYPE", core));
    return settings;
  }

  static void settle() {
    if (Platform.isWindows()) {
      return; // the Windows build waits in the operating system by default
    }
    try {
      CLibrary c = Native.load("c", CLibrary.class);
      settings().forEach((name, value) -> c.setenv(name, value, 0));
    } catch (LinkageError | RuntimeException e) {
      LOG.warn(
          "The native libraries keep their defaults, which can slow training down several times."
              + " Start the JVM with {} in its environment instead.",
          settings(),
          e);
    }
  }
}
