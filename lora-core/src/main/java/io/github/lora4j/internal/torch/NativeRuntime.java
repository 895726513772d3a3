package io.github.lora4j.internal.torch;

import io.github.lora4j.error.DeviceException;
import java.util.List;
import java.util.Optional;
import org.bytedeco.javacpp.Loader;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Loads libtorch once, with the settings that it must find when its libraries start.
 *
 * <p>The presets bring two thread pools (OpenBLAS's and libgomp's). Left alone both spin while they
 * wait and take the cores from each other, which makes training three to five times slower; their
 * settings are read from the environment of the process in the moment the libraries load, so they
 * are put there just before.
 */
public final class NativeRuntime {

  private static final Logger LOG = LoggerFactory.getLogger(NativeRuntime.class);

  private static final List<String> PUBLISHED =
      List.of("linux-x86_64", "macosx-arm64", "macosx-x86_64", "windows-x86_64");

  private static final Optional<DeviceException> FAILURE = start();

  private NativeRuntime() {}

  /**
   * Makes sure that the natives are loaded.
   *
   * @throws DeviceException if they are not published for this machine or not on the class path
   */
  public static void ensureLoaded() {
    if (FAILURE.isPresent()) {
      DeviceException first = FAILURE.get();
      throw new DeviceException(first.getMessage(), first);
    }
  }

  private static Optional<DeviceException> start() {
    setUnlessPresent("org.bytedeco.javacpp.maxBytes", "0");
    setUnlessPresent("org.bytedeco.javacpp.maxPhysicalBytes", "0");
    ThreadPools.settle();
    FreedMemory.keep();
    String platform = Loader.getPlatform();
    if (!PUBLISHED.contains(platform)) {
      return Optional.of(
          new DeviceException(
              "There is no build of libtorch for this machine: its platform is "
                  + platform
                  + ", published are "
                  + String.join(", ", PUBLISHED)
                  + ". Run on one of those (x86-64 containers work on other Linux machines through"
                  + " emulation)."));
    }
    try {
      Loader.load(org.bytedeco.pytorch.global.torch.class);
    } catch (LinkageError | RuntimeException e) {
      return Optional.of(
          new DeviceException(
              "libtorch could not be loaded for "
                  + platform
                  + ": "
                  + e.getMessage()
                  + ". Check that org.bytedeco:javacpp, org.bytedeco:openblas and"
                  + " org.bytedeco:pytorch are on the class path with the classifier "
                  + platform
                  + " (or "
                  + platform
                  + "-gpu for pytorch, with CUDA 13 installed), and that the folder"
                  + " ~/.javacpp/cache can be written.",
              e));
    }
    LOG.debug("libtorch is loaded for {}", platform);
    return Optional.empty();
  }

  private static void setUnlessPresent(String property, String value) {
    if (System.getProperty(property) == null) {
      System.setProperty(property, value);
    }
  }
}
