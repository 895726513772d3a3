package io.github.lora4j.tensor;

import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.nio.LongBuffer;
import java.nio.ShortBuffer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.ShortPointer;
import org.bytedeco.pytorch.global.torch;

/**
 * The numbers of small tensors as Java arrays, and back: for the few rows of a decoding step plain
 * Java is done before libtorch has begun, since an operation costs as much as some thousand
 * multiplications.
 */
public final class Rows {

  /** More rows than this are libtorch's. */
  private static final int FEW = 16;

  private Rows() {}

  /**
   * Whether a tensor's rows are worth computing in Java: few, on the CPU, dense, float32 or
   * bfloat16, and without gradients.
   *
   * @param x {@code [..., features]}
   */
  public static boolean suits(Tensor x) {
    return !Plain.isOn()
        && !NoGrad.gradEnabled()
        && x.dim() > 0
        && x.numel() <= FEW * x.size(-1)
        && isReadable(x);
  }

  /**
   * Whether {@link #read} and {@link #write} can be used: dense, on the CPU, float32 or bfloat16.
   */
  public static boolean isReadable(Tensor x) {
    DType dtype = x.dtype();
    return (dtype == DType.F32 || dtype == DType.BF16) && !x.handle().is_cuda() && x.isContiguous();
  }

  /** All elements, row-major, as float32. */
  public static float[] read(Tensor x) {
    float[] values = new float[(int) x.numel()];
    read(x, 0, values, values.length);
    return values;
  }

  /**
   * Some elements of a dense CPU tensor, as float32.
   *
   * @param from the first one
   * @param into at least {@code count} long
   */
  public static void read(Tensor x, long from, float[] into, int count) {
    requireRoom(x, from, count);
    read(x.handle(), from, into, 0, count);
  }

  /** Reads from a handle that is known to be dense, on the CPU and long enough. */
  static void read(org.bytedeco.pytorch.Tensor x, long from, float[] into, int at, int count) {
    if (x.scalar_type().intern() == torch.ScalarType.Float) {
      new FloatPointer(x.data_ptr()).position(from).get(into, at, count);
      return;
    }
    short[] bits = new short[count];
    new ShortPointer(x.data_ptr()).position(from).get(bits, 0, count);
    for (int i = 0; i < count; i++) {
      into[at + i] = Float.intBitsToFloat(bits[i] << 16);
    }
  }

  /**
   * Overwrites elements of a dense CPU tensor, rounded to its dtype.
   *
   * @param from the first one
   */
  public static void write(Tensor y, long from, float[] values, int count) {
    requireRoom(y, from, count);
    if (y.dtype() == DType.F32) {
      new FloatPointer(y.handle().data_ptr()).position(from).put(values, 0, count);
      return;
    }
    short[] bits = new short[count];
    for (int i = 0; i < count; i++) {
      bits[i] = toBfloat16(values[i]);
    }
    new ShortPointer(y.handle().data_ptr()).position(from).put(bits, 0, count);
  }

  /** A new CPU tensor of these values, rounded to its dtype, in the caller's scope. */
  public static Tensor write(float[] values, DType dtype, long... shape) {
    Tensor y = Tensor.empty(dtype, Device.CPU, shape);
    write(y, 0, values, values.length);
    return y;
  }

  /** Rounds to bfloat16 and back. */
  public static float rounded(float value) {
    return Float.intBitsToFloat(toBfloat16(value) << 16);
  }

  /** To the nearest, ties to even; NaN stays one. */
  static short toBfloat16(float value) {
    int bits = Float.floatToRawIntBits(value);
    if (value != value) {
      return (short) ((bits >>> 16) | 0x40);
    }
    return (short) ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16);
  }

  /** The product of two stretches of numbers. */
  public static float dot(float[] a, int atA, float[] b, int atB, int count) {
    // Eight sums keep the multipliers busy: each waits for its own last one only.
    float s0 = 0;
    float s1 = 0;
    float s2 = 0;
    float s3 = 0;
    float s4 = 0;
    float s5 = 0;
    float s6 = 0;
    float s7 = 0;
    int i = 0;
    for (; i + 8 <= count; i += 8) {
      s0 += a[atA + i] * b[atB + i];
      s1 += a[atA + i + 1] * b[atB + i + 1];
      s2 += a[atA + i + 2] * b[atB + i + 2];
      s3 += a[atA + i + 3] * b[atB + i + 3];
      s4 += a[atA + i + 4] * b[atB + i + 4];
      s5 += a[atA + i + 5] * b[atB + i + 5];
      s6 += a[atA + i + 6] * b[atB + i + 6];
      s7 += a[atA + i + 7] * b[atB + i + 7];
    }
    for (; i < count; i++) {
      s0 += a[atA + i] * b[atB + i];
    }
    return ((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7));
  }

  /** The numbers of a dense bfloat16 tensor on the CPU, for as long as it is open. */
  static ShortBuffer halves(Tensor x) {
    return new ShortPointer(x.handle().data_ptr()).capacity(x.numel()).asBuffer();
  }

  /** The numbers of a dense float32 tensor on the CPU, for as long as it is open. */
  static FloatBuffer floats(Tensor x) {
    return new FloatPointer(x.handle().data_ptr()).capacity(x.numel()).asBuffer();
  }

  /** The numbers of a dense bfloat16 tensor on the CPU, two by two, for as long as it is open. */
  static IntBuffer pairs(Tensor x) {
    return new IntPointer(x.handle().data_ptr()).capacity(x.numel() / 2).asBuffer();
  }

  /** The first bytes of a dense tensor on the CPU, eight by eight, for as long as it is open. */
  static LongBuffer words(Tensor x, long bytes) {
    return new LongPointer(x.handle().data_ptr()).capacity(bytes / Long.BYTES).asBuffer();
  }

  private static void requireRoom(Tensor x, long from, int count) {
    if (from < 0 || from + count > x.numel()) {
      throw new IllegalArgumentException(
          "Elements " + from + " to " + (from + count) + " are not all in " + x);
    }
  }
}
