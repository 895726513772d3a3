package io.github.lora4j.tensor;

import io.github.lora4j.error.DeviceException;
import io.github.lora4j.internal.torch.NativeRuntime;
import org.bytedeco.pytorch.global.torch;

/**
 * Where a tensor's memory lies.
 *
 * @param kind the CPU or a CUDA GPU
 * @param index which GPU, from 0; 0 for the CPU
 */
public record Device(Kind kind, int index) {

  /** The kinds of device that the natives know. */
  public enum Kind {
    /** Host memory. */
    CPU,
    /** An NVIDIA GPU. */
    CUDA
  }

  /** The CPU. */
  public static final Device CPU = new Device(Kind.CPU, 0);

  /** Checks the index. */
  public Device {
    if (index < 0 || (kind == Kind.CPU && index != 0)) {
      throw new IllegalArgumentException(
          "index: expected 0 for the CPU or a GPU's number from 0, found " + index);
    }
  }

  /** The first GPU if the natives on the class path can use one, else the CPU. */
  public static Device auto() {
    NativeRuntime.ensureLoaded();
    return torch.cuda_is_available() ? new Device(Kind.CUDA, 0) : CPU;
  }

  /**
   * A GPU.
   *
   * @throws DeviceException if it isn't there, with the Maven dependency to add
   */
  public static Device cuda(int index) {
    NativeRuntime.ensureLoaded();
    if (!torch.cuda_is_available() || index >= torch.cuda_device_count()) {
      throw new DeviceException(
          "There is no CUDA device "
              + index
              + ": libtorch sees "
              + (torch.cuda_is_available() ? torch.cuda_device_count() : 0)
              + ". The default natives are the CPU build; add org.bytedeco:pytorch with the"
              + " classifier linux-x86_64-gpu or windows-x86_64-gpu, install CUDA 13 with cuBLAS"
              + " and cuDNN and a matching driver, or use Device.auto().");
    }
    return new Device(Kind.CUDA, index);
  }

  /** PyTorch's spelling: {@code cpu} or {@code cuda:0}. */
  @Override
  public String toString() {
    return kind == Kind.CPU ? "cpu" : "cuda:" + index;
  }

  org.bytedeco.pytorch.Device toNative() {
    return new org.bytedeco.pytorch.Device(toString());
  }

  torch.DeviceType type() {
    return kind == Kind.CPU ? torch.DeviceType.CPU : torch.DeviceType.CUDA;
  }
}
