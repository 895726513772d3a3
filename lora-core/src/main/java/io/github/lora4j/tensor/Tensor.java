package io.github.lora4j.tensor;

import io.github.lora4j.internal.torch.NativeRuntime;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.pytorch.BoolOptional;
import org.bytedeco.pytorch.DeviceOptional;
import org.bytedeco.pytorch.LayoutOptional;
import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;

/**
 * An n-dimensional array of libtorch.
 *
 * <p>A tensor made while a {@link TensorScope} is open belongs to that scope; otherwise to whoever
 * made it, who closes it. Operations borrow their arguments. {@link #close()} twice is harmless;
 * use after it is an {@link IllegalStateException}. Methods are named and behave as in PyTorch; a
 * trailing underscore there is the suffix {@code InPlace} here.
 */
public final class Tensor extends TensorOperations implements AutoCloseable {

  private final org.bytedeco.pytorch.Tensor handle;
  private @Nullable TensorScope scope;
  private boolean closed;

  private Tensor(org.bytedeco.pytorch.Tensor handle) {
    this.handle = handle;
  }

  static Tensor wrap(org.bytedeco.pytorch.Tensor handle) {
    Tensor tensor = new Tensor(handle);
    TensorScope.register(tensor);
    return tensor;
  }

  @Override
  org.bytedeco.pytorch.Tensor handle() {
    if (closed) {
      throw new IllegalStateException("This tensor is closed.");
    }
    return handle;
  }

  @Nullable TensorScope scope() {
    return scope;
  }

  void moveTo(@Nullable TensorScope owner) {
    scope = owner;
    if (owner != null) {
      owner.add(this);
    }
  }

  // ---- making tensors

  /** A float32 tensor on the CPU with these values, row-major. */
  public static Tensor of(float[] values, long... shape) {
    Tensor tensor = empty(DType.F32, Device.CPU, checked(values.length, shape));
    if (values.length > 0) {
      new FloatPointer(tensor.handle.data_ptr()).put(values, 0, values.length);
    }
    return tensor;
  }

  /** An int64 tensor on the CPU with these values, row-major. */
  public static Tensor of(long[] values, long... shape) {
    Tensor tensor = empty(DType.I64, Device.CPU, checked(values.length, shape));
    if (values.length > 0) {
      new LongPointer(tensor.handle.data_ptr()).put(values, 0, values.length);
    }
    return tensor;
  }

  /** An int32 tensor on the CPU with these values, row-major. */
  public static Tensor of(int[] values, long... shape) {
    Tensor tensor = empty(DType.I32, Device.CPU, checked(values.length, shape));
    if (values.length > 0) {
      new IntPointer(tensor.handle.data_ptr()).put(values, 0, values.length);
    }
    return tensor;
  }

  /** A uint8 tensor on the CPU with these bytes, row-major. */
  public static Tensor ofBytes(byte[] values, long... shape) {
    Tensor tensor = empty(DType.U8, Device.CPU, checked(values.length, shape));
    if (values.length > 0) {
      new BytePointer(tensor.handle.data_ptr()).put(values, 0, values.length);
    }
    return tensor;
  }

  /** A tensor with uninitialised memory. */
  public static Tensor empty(DType dtype, Device device, long... shape) {
    NativeRuntime.ensureLoaded();
    try (Options options = Options.of(dtype, device)) {
      return wrap(
          LargeTensors.suit(dtype, device, shape)
              ? LargeTensors.empty(dtype, options.options, shape)
              : torch.empty(shape, options.options, null));
    }
  }

  /** A tensor of zeros. */
  public static Tensor zeros(DType dtype, Device device, long... shape) {
    NativeRuntime.ensureLoaded();
    try (Options options = Options.of(dtype, device)) {
      return wrap(torch.zeros(shape, options.options));
    }
  }

  /** A tensor filled with one value. */
  public static Tensor full(double value, DType dtype, Device device, long... shape) {
    Tensor tensor = empty(dtype, device, shape);
    tensor.fillInPlace(value);
    return tensor;
  }

  /** The int64 numbers {@code start, start + 1, …, end - 1}. */
  public static Tensor arange(long start, long end, Device device) {
    NativeRuntime.ensureLoaded();
    try (Options options = Options.of(DType.I64, device);
        Scalar from = new Scalar(start);
        Scalar to = new Scalar(end)) {
      return wrap(torch.arange(from, to, options.options));
    }
  }

  /** Float32 numbers on the CPU, uniform in {@code [low, high)}. */
  public static Tensor uniform(double low, double high, Generator generator, long... shape) {
    Tensor tensor = empty(DType.F32, Device.CPU, shape);
    try (var source = generator.optional()) {
      tensor.handle.uniform_(low, high, source);
    }
    return tensor;
  }

  /** Float32 numbers on the CPU, normally distributed. */
  public static Tensor normal(double mean, double std, Generator generator, long... shape) {
    Tensor tensor = empty(DType.F32, Device.CPU, shape);
    try (var source = generator.optional()) {
      tensor.handle.normal_(mean, std, source);
    }
    return tensor;
  }

  /**
   * Maps a whole file into memory as a uint8 tensor {@code [size]} without reading it.
   *
   * <p>The mapping is private (writing to the tensor doesn't change the file) and ends with the
   * last view of it.
   *
   * @param size the file's size in bytes, which must be its real one
   */
  public static Tensor mapFile(Path file, long size) {
    NativeRuntime.ensureLoaded();
    try (BoolOptional shared = new BoolOptional(false);
        LongOptional length = new LongOptional(size);
        ScalarTypeOptional bytes = new ScalarTypeOptional(torch.ScalarType.Byte);
        LayoutOptional layout = new LayoutOptional();
        DeviceOptional device = new DeviceOptional();
        BoolOptional pinned = new BoolOptional()) {
      return wrap(torch.from_file(file.toString(), shared, length, bytes, layout, device, pinned));
    }
  }

  /** A second handle on the same memory, independent of this one's life. */
  public Tensor alias() {
    return wrap(new org.bytedeco.pytorch.Tensor(handle()));
  }

  // ---- what it is

  /** The sizes of all dimensions. */
  public long[] shape() {
    org.bytedeco.pytorch.Tensor t = handle();
    long[] shape = new long[(int) t.dim()];
    for (int i = 0; i < shape.length; i++) {
      shape[i] = t.size(i);
    }
    return shape;
  }

  /** The size of one dimension; negative ones count from the end. */
  public long size(int dim) {
    return handle().size(dim);
  }

  /** The number of dimensions. */
  public int dim() {
    return (int) handle().dim();
  }

  /** The number of elements. */
  public long numel() {
    return handle().numel();
  }

  /** The type of the elements. */
  public DType dtype() {
    return DType.of(handle().scalar_type());
  }

  /** Where the memory lies. */
  public Device device() {
    try (org.bytedeco.pytorch.Device device = handle().device()) {
      return device.is_cuda()
          ? new Device(Device.Kind.CUDA, Math.max(0, device.index()))
          : Device.CPU;
    }
  }

  /** Whether the elements lie row-major without gaps. */
  public boolean isContiguous() {
    return handle().is_contiguous();
  }

  /** The address of the first element; valid while this tensor is open. */
  public long address() {
    Pointer data = handle().data_ptr();
    return data == null ? 0 : data.address();
  }

  // ---- gradients

  /** Whether gradients are computed for this tensor. */
  public boolean requiresGrad() {
    return handle().requires_grad();
  }

  /**
   * Says whether this leaf collects a gradient.
   *
   * @return this tensor
   */
  public Tensor requiresGrad(boolean required) {
    handle().set_requires_grad(required);
    return this;
  }

  /** The gradient collected so far: a new handle on it, empty before the first backward pass. */
  public Optional<Tensor> grad() {
    org.bytedeco.pytorch.Tensor grad = handle().grad();
    return grad.defined()
        ? Optional.of(wrap(new org.bytedeco.pytorch.Tensor(grad)))
        : Optional.empty();
  }

  /** Whether it was not computed by anything that is recorded for gradients. */
  boolean isLeaf() {
    return handle().is_leaf();
  }

  /** Adds to the gradient of this leaf; a first one is taken as it is. */
  void addToGrad(Tensor part) {
    org.bytedeco.pytorch.Tensor grad = handle().grad();
    if (grad.defined()) {
      try (Scalar one = new Scalar(1.0)) {
        grad.add_(part.handle(), one);
      }
    } else {
      handle().mutable_grad().put(part.handle());
    }
  }

  /** Forgets the gradient. */
  public void clearGrad() {
    try (org.bytedeco.pytorch.Tensor none = new org.bytedeco.pytorch.Tensor()) {
      handle().mutable_grad().put(none);
    }
  }

  // ---- reading values

  /** The only element. */
  public double item() {
    return handle().item_double();
  }

  /** A copy of all elements as float32, row-major. */
  public float[] toFloatArray() {
    float[] values = new float[Math.toIntExact(numel())];
    withHostCopy(
        DType.F32, values.length, data -> new FloatPointer(data).get(values, 0, values.length));
    return values;
  }

  /** A copy of all elements as float64, row-major. */
  public double[] toDoubleArray() {
    double[] values = new double[Math.toIntExact(numel())];
    withHostCopy(
        DType.F64, values.length, data -> new DoublePointer(data).get(values, 0, values.length));
    return values;
  }

  /** A copy of all elements as int64, row-major. */
  public long[] toLongArray() {
    long[] values = new long[Math.toIntExact(numel())];
    withHostCopy(
        DType.I64, values.length, data -> new LongPointer(data).get(values, 0, values.length));
    return values;
  }

  /**
   * Copies raw bytes of a contiguous CPU tensor.
   *
   * @param byteOffset where to start
   * @param target receives {@code length} bytes from its start
   */
  public void copyBytesTo(long byteOffset, byte[] target, int length) {
    if (!isContiguous() || !device().equals(Device.CPU)) {
      throw new IllegalStateException(
          "Raw bytes are read from contiguous tensors on the CPU: call contiguous() first.");
    }
    long bytes = numel() * dtype().byteSize();
    if (byteOffset < 0 || length < 0 || length > target.length || byteOffset > bytes - length) {
      throw new IllegalArgumentException(
          "bytes: expected a range inside [0, "
              + bytes
              + "), found "
              + length
              + " bytes at "
              + byteOffset);
    }
    if (length > 0) {
      new BytePointer(handle.data_ptr()).position(byteOffset).get(target, 0, length);
    }
  }

  private void withHostCopy(DType dtype, int length, java.util.function.Consumer<Pointer> reader) {
    if (length == 0) {
      return;
    }
    try (TensorScope copies = TensorScope.open()) {
      Tensor host = detach().to(Device.CPU).to(dtype).contiguous();
      reader.accept(host.handle().data_ptr());
    }
  }

  // ---- life

  /** Whether {@link #close()} was called, by hand or by a scope. */
  public boolean isClosed() {
    return closed;
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      scope = null;
      handle.close();
    }
  }

  /** Dtype, shape and device, such as {@code F32[2, 3] on cpu}. */
  @Override
  public String toString() {
    return closed ? "closed tensor" : dtype() + Arrays.toString(shape()) + " on " + device();
  }

  private static long[] checked(int length, long[] shape) {
    long elements = 1;
    for (long size : shape) {
      elements = Math.multiplyExact(elements, size);
    }
    if (elements != length) {
      throw new IllegalArgumentException(
          "shape: expected one of " + length + " elements, found " + Arrays.toString(shape));
    }
    return shape;
  }

  /** What a new tensor is to be: costs more to say than the tensor itself, so it is said once. */
  private static final class Options implements AutoCloseable {
    private static final Map<DType, Options> ON_CPU = onCpu();

    private final ScalarTypeOptional dtype;
    private final org.bytedeco.pytorch.Device device;
    private final DeviceOptional deviceOptional;
    private final boolean kept;
    final TensorOptions options;

    private Options(DType dtype, Device device, boolean kept) {
      this.dtype = new ScalarTypeOptional(dtype.scalarType());
      this.device = device.toNative();
      this.deviceOptional = new DeviceOptional(this.device);
      this.kept = kept;
      try (TensorOptions bare = new TensorOptions();
          TensorOptions typed = bare.dtype(this.dtype)) {
        this.options = typed.device(deviceOptional);
      }
    }

    static Options of(DType dtype, Device device) {
      return device.equals(Device.CPU)
          ? Objects.requireNonNull(ON_CPU.get(dtype))
          : new Options(dtype, device, false);
    }

    private static Map<DType, Options> onCpu() {
      Map<DType, Options> all = new EnumMap<>(DType.class);
      for (DType dtype : DType.values()) {
        all.put(dtype, new Options(dtype, Device.CPU, true));
      }
      return all;
    }

    @Override
    public void close() {
      if (!kept) {
        options.close();
        deviceOptional.close();
        device.close();
        dtype.close();
      }
    }
  }
}
