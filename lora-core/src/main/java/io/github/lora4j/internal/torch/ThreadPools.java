package io.github.lora4j.internal.torch;

import com.sun.jna.Library;
import com.sun.jna.Native;
import com.sun.jna.Platform;
import java.util.LinkedHashMap;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Puts the waiting policy of the native thread pools into the environment of this process. */
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

  /** Sleeping instead of spinning: 2^16 cycles in OpenBLAS, at once in libgomp. */
  private static Map<String, String> settings() {
    Map<String, String> settings = new LinkedHashMap<>();
    settings.put("OMP_WAIT_POLICY", "passive");
    settings.put("OPENBLAS_THREAD_TIMEOUT", "16");
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
          "The native thread pools keep their defaults, which can slow training down several times."
              + " Start the JVM with {} in its environment instead.",
          settings(),
          e);
    }
  }
}
