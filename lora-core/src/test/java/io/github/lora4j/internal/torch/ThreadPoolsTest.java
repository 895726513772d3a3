package io.github.lora4j.internal.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import com.sun.jna.Library;
import com.sun.jna.Native;
import com.sun.jna.Platform;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class ThreadPoolsTest {

  /** Functions of the C library. */
  interface CLibrary extends Library {
    @Nullable String getenv(String name);
  }

  /**
   * Without this the pools take the cores from each other and training is three to five times
   * slower.
   */
  @Test
  void theNativeLibrariesFindTheirWaitingPolicyInTheEnvironment() {
    assumeFalse(Platform.isWindows(), "the Windows build waits in the operating system by default");
    NativeRuntime.ensureLoaded();
    CLibrary c = Native.load("c", CLibrary.class);
    assertThat(c.getenv("OMP_WAIT_POLICY"))
        .isEqualTo(System.getenv().getOrDefault("OMP_WAIT_POLICY", "passive"));
    assertThat(c.getenv("OPENBLAS_THREAD_TIMEOUT"))
        .isEqualTo(System.getenv().getOrDefault("OPENBLAS_THREAD_TIMEOUT", "16"));
  }
}
