package io.github.lora4j.model;

import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import java.util.Optional;

/** How a model is loaded. */
public final class LoadOptions {

  private final Optional<DType> dtype;
  private final Optional<Device> device;

  private LoadOptions(Builder builder) {
    this.dtype = builder.dtype;
    this.device = builder.device;
  }

  /** The checkpoint's dtype, on {@link Device#auto()}. */
  public static LoadOptions defaults() {
    return builder().build();
  }

  /** Starts from the defaults. */
  public static Builder builder() {
    return new Builder();
  }

  /** The dtype to convert to; empty keeps the checkpoint's. */
  public Optional<DType> dtype() {
    return dtype;
  }

  /** Where to load; empty means {@link Device#auto()}. */
  public Optional<Device> device() {
    return device;
  }

  /** Collects options. */
  public static final class Builder {
    private Optional<DType> dtype = Optional.empty();
    private Optional<Device> device = Optional.empty();

    private Builder() {}

    /**
     * The dtype of all weights: F32, BF16 or F16. Default: what the checkpoint holds, without a
     * copy; where it holds several, the one that {@code config.json} names, or else the
     * embedding's.
     */
    public Builder dtype(DType dtype) {
      if (dtype != DType.F32 && dtype != DType.BF16 && dtype != DType.F16) {
        throw new IllegalArgumentException("dtype: expected F32, BF16 or F16, found " + dtype);
      }
      this.dtype = Optional.of(dtype);
      return this;
    }

    /** Where the model lives. Default: {@link Device#auto()}. */
    public Builder device(Device device) {
      this.device = Optional.of(device);
      return this;
    }

    /** Builds the options. */
    public LoadOptions build() {
      return new LoadOptions(this);
    }
  }
}
