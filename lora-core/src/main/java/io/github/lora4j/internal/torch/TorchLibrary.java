package io.github.lora4j.internal.torch;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import org.bytedeco.javacpp.Loader;

/** Where the part of libtorch lies that computes on the CPU. */
final class TorchLibrary {

  private TorchLibrary() {}

  /**
   * Its path, beside the library that Java calls.
   *
   * @throws UncheckedIOException if that can't be found out
   */
  static String path() {
    try {
      File loaded = new File(Loader.load(org.bytedeco.pytorch.global.torch.class));
      return new File(loaded.getCanonicalFile().getParentFile(), "libtorch_cpu.so").getPath();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
