package io.github.lora4j.tensor;

import io.github.lora4j.internal.torch.NativeRuntime;
import java.util.Optional;
import org.bytedeco.pytorch.global.torch;

/**
 * Runs matrix products in a lower precision on this thread until it is closed: {@code
 * torch.autocast}.
 */
public final class Autocast implements AutoCloseable {

  private final torch.DeviceType type;
  private final boolean before;
  private final torch.ScalarType dtypeBefore;
  private boolean closed;

  private Autocast(Device device, DType dtype) {
    NativeRuntime.ensureLoaded();
    type = device.type();
    before = torch.is_autocast_enabled(type);
    dtypeBefore = torch.get_autocast_dtype(type);
    torch.set_autocast_dtype(type, dtype.scalarType());
    torch.set_autocast_enabled(type, true);
    torch.increment_nesting();
  }

  /**
   * Switches it on.
   *
   * @param dtype BF16 or F16
   */
  public static Autocast open(Device device, DType dtype) {
    if (dtype != DType.BF16 && dtype != DType.F16) {
      throw new IllegalArgumentException("dtype: expected BF16 or F16, found " + dtype);
    }
    return new Autocast(device, dtype);
  }

  /** The dtype of matrix products on this thread; empty where autocasting is off. */
  public static Optional<DType> current(Device device) {
    NativeRuntime.ensureLoaded();
    return torch.is_autocast_enabled(device.type())
        ? Optional.of(DType.of(torch.get_autocast_dtype(device.type())))
        : Optional.empty();
  }

  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    if (torch.decrement_nesting() == 0) {
      torch.clear_cache();
    }
    torch.set_autocast_enabled(type, before);
    torch.set_autocast_dtype(type, dtypeBefore);
  }
}
