package io.github.lora4j.tensor;

import io.github.lora4j.error.DeviceException;
import io.github.lora4j.internal.torch.CudaModule;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Kernels in CUDA C that are compiled at run time, once for each GPU that they are called on:
 * {@code torch.cuda._compile_kernel}.
 *
 * <p>Needs {@code org.bytedeco:cuda} with the natives of the platform on the class path, which
 * nothing brings along by itself, and NVRTC, which comes with CUDA. Nothing of it is looked at
 * before the first call. Safe for use from several threads.
 */
public final class CudaProgram {

  /** The presets that those of PyTorch were made with. */
  static final String PRESETS = "org.bytedeco:cuda:13.1-9.19-1.5.13";

  private static final int MOST_THREADS = 1024;

  private final String name;
  private final String source;
  private final Map<Device, CudaModule> loaded = new ConcurrentHashMap<>();
  // Only the first says what is missing; those after it, that a class could not be initialized.
  private final Map<Device, LinkageError> failed = new ConcurrentHashMap<>();

  private CudaProgram(String name, String source) {
    this.name = name;
    this.source = source;
  }

  /**
   * A program, which is not compiled yet.
   *
   * @param name what error messages call it, such as its file's
   * @param source CUDA C that includes nothing; its kernels are {@code extern "C" __global__}
   */
  public static CudaProgram of(String name, String source) {
    if (name.isBlank() || source.isBlank()) {
      throw new IllegalArgumentException("name and source: expected some text, found none");
    }
    return new CudaProgram(name, source);
  }

  /** The source, as it is compiled. */
  public String source() {
    return source;
  }

  /**
   * Queues a call of a kernel on the stream that libtorch uses on this thread, and returns at once.
   *
   * @param kernel its name in the source
   * @param device the GPU that runs it, where all tensors of the arguments are
   * @param blocks of threads, at least one
   * @param threads in each block, from 1 to 1024
   * @throws IllegalArgumentException if the device is not a GPU, or a tensor is elsewhere
   * @throws DeviceException if CUDA refuses, or what is needed is not on the class path; a fault in
   *     the kernel itself shows in a later call, as with all kernels
   */
  public void run(String kernel, Device device, long blocks, int threads, CudaArguments arguments) {
    if (device.kind() != Device.Kind.CUDA) {
      throw new IllegalArgumentException("device: expected a GPU, found " + device);
    }
    if (blocks < 1 || blocks > Integer.MAX_VALUE || threads < 1 || threads > MOST_THREADS) {
      throw new IllegalArgumentException(
          "%s: expected from 1 to %d blocks of 1 to %d threads, found %d of %d"
              .formatted(kernel, Integer.MAX_VALUE, MOST_THREADS, blocks, threads));
    }
    arguments.requireOn(device);
    try {
      loaded
          .computeIfAbsent(device, d -> CudaModule.load(name, source, d.index()))
          .launch(kernel, (int) blocks, threads, arguments.bytes());
    } catch (LinkageError e) {
      throw missing(device, failed.computeIfAbsent(device, d -> e));
    }
  }

  private DeviceException missing(Device device, LinkageError cause) {
    return new DeviceException(
        name
            + " can't run on "
            + device
            + ", since classes or libraries of CUDA are not there ("
            + reason(cause)
            + "). Add "
            + PRESETS
            + " and the same with the classifier linux-x86_64 or windows-x86_64. NVRTC, the"
            + " compiler, comes with CUDA 13, or in org.bytedeco:cuda-redist of that version and"
            + " classifier; libcuda comes with the GPU's driver.",
        cause);
  }

  /** The innermost message: those around it list folders. */
  private static String reason(Throwable failure) {
    Throwable cause = failure.getCause();
    return cause == null
        ? failure.getClass().getSimpleName() + ": " + failure.getMessage()
        : reason(cause);
  }
}
