package io.github.lora4j.internal.quant;

import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.HostMemory;
import io.github.lora4j.tensor.NoGrad;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.Arrays;

/**
 * A matrix of 8-bit integers with a scale for each row, as LLM.int8 stores weights: value = code *
 * scb / 127.
 *
 * <p>It owns its tensors, outside of all scopes, until it is closed.
 */
public final class Int8Rows implements AutoCloseable {

  /** bitsandbytes' float32 for 1/127. */
  private static final float INVERSE = 7.874015718698502e-3f;

  private static final long PART = 1 << 17;

  private final Tensor codes;
  private final Tensor scb;

  private Int8Rows(Tensor codes, Tensor scb) {
    this.codes = TensorScope.keep(codes);
    this.scb = TensorScope.keep(scb);
  }

  /**
   * Codes a matrix: {@code int8_vectorwise_quant(source.half())}. Elements are rounded to float16
   * first, as bitsandbytes does.
   *
   * @param source F32, BF16 or F16 {@code [out, in]}, not empty; computed on the CPU, and the codes
   *     lie where the source does
   * @throws IllegalArgumentException if an element is not finite in float16; says which row
   */
  public static Int8Rows quantize(Tensor source) {
    Elements.requireFloats(source.dtype());
    if (source.dim() != 2 || source.numel() == 0) {
      throw new IllegalArgumentException("source: expected a matrix [out, in], found " + source);
    }
    try (TensorScope scope = TensorScope.open();
        NoGrad noGrad = NoGrad.open()) {
      Tensor host = source.to(Device.CPU).to(DType.F16).contiguous();
      int columns = Math.toIntExact(host.size(1));
      Tensor codes = Tensor.empty(DType.I8, Device.CPU, host.shape());
      Tensor scb = Tensor.empty(DType.F32, Device.CPU, host.size(0));
      Elements elements = Elements.of(host);
      HostMemory bytes = HostMemory.of(codes);
      HostMemory scales = HostMemory.of(scb);
      Parallel.run(
          host.size(0),
          Math.max(1, PART / columns),
          (from, to) -> {
            float[] values = new float[columns];
            byte[] row = new byte[columns];
            for (long at = from; at < to; at++) {
              elements.read(at * columns, values, columns);
              float absmax = quantize(values, row);
              if (!(absmax <= Float.MAX_VALUE)) {
                throw new IllegalArgumentException(
                    "source: expected numbers that are finite in float16, found "
                        + absmax
                        + " in row "
                        + at
                        + " of "
                        + source);
              }
              bytes.buffer(at * columns, columns).put(row);
              scales.buffer(4 * at, 4).putFloat(absmax);
            }
          });
      return new Int8Rows(codes.to(source.device()), scb.to(source.device()));
    }
  }

  private static float quantize(float[] values, byte[] codes) {
    float absmax = 0;
    for (float value : values) {
      absmax = Math.max(absmax, Math.abs(value));
    }
    // In PyTorch, a number over a tensor is the number times the reciprocal.
    float scale = absmax == 0 ? 0 : 127 * (1 / absmax);
    for (int i = 0; i < values.length; i++) {
      codes[i] = (byte) Math.rint(values[i] * scale);
    }
    return absmax;
  }

  /**
   * Takes over the tensors of a checkpoint.
   *
   * @param codes I8 {@code [out, in]}
   * @param scb F32 {@code [out]}, the largest magnitude of each row
   */
  public static Int8Rows of(Tensor codes, Tensor scb) {
    if (codes.dtype() != DType.I8 || codes.dim() != 2 || !codes.isContiguous()) {
      throw new IllegalArgumentException("codes: expected I8 [out, in], found " + codes);
    }
    Layout4Bit.require("scb", scb, DType.F32, codes.size(0));
    return new Int8Rows(codes, scb);
  }

  /** The codes, I8 {@code [out, in]}. */
  public Tensor codes() {
    return codes;
  }

  /** The largest magnitude of each row, F32 {@code [out]}. */
  public Tensor scb() {
    return scb;
  }

  /** The shape of the matrix. */
  public long[] shape() {
    return codes.shape();
  }

  /** Where the codes lie. */
  public Device device() {
    return codes.device();
  }

  /** How much memory all of it takes, in bytes. */
  public long bytes() {
    return Layout4Bit.bytes(codes) + Layout4Bit.bytes(scb);
  }

  /**
   * Decodes into memory at hand: {@code int8_vectorwise_dequant}, in float32, then rounded. Not
   * recorded for gradients.
   *
   * @param target F32, BF16 or F16 {@code [out, in]}, contiguous, on the same device
   */
  public void dequantizeInto(Tensor target) {
    Elements.requireFloats(target.dtype());
    if (!Arrays.equals(target.shape(), shape())
        || !target.isContiguous()
        || !target.device().equals(device())) {
      throw new IllegalArgumentException(
          "target: expected a contiguous matrix "
              + Arrays.toString(shape())
              + " on "
              + device()
              + ", found "
              + target);
    }
    if (!device().equals(Device.CPU)) {
      try (TensorScope scope = TensorScope.open();
          NoGrad noGrad = NoGrad.open()) {
        // In place, since each step in float32 takes four times the memory of the codes.
        target.copyInPlace(codes.to(DType.F32).mulInPlace(scb.unsqueeze(1)).mulInPlace(INVERSE));
      }
      return;
    }
    int columns = Math.toIntExact(codes.size(1));
    HostMemory bytes = HostMemory.of(codes);
    Elements elements = Elements.of(target);
    float[] scales = scb.toFloatArray();
    Parallel.run(
        codes.size(0),
        Math.max(1, PART / columns),
        (from, to) -> {
          byte[] row = new byte[columns];
          float[] values = new float[columns];
          for (long at = from; at < to; at++) {
            bytes.buffer(at * columns, columns).get(row);
            float scale = scales[(int) at];
            for (int i = 0; i < columns; i++) {
              values[i] = row[i] * scale * INVERSE;
            }
            elements.write(at * columns, values, columns);
          }
        });
  }

  /**
   * Decodes.
   *
   * @param wanted F32, BF16 or F16
   * @return a matrix in the caller's scope
   */
  public Tensor dequantize(DType wanted) {
    Tensor target = Tensor.empty(wanted, device(), shape());
    dequantizeInto(target);
    return target;
  }

  /** A copy on a device, with memory of its own where that is another one. */
  public Int8Rows to(Device device) {
    return device.equals(device()) ? share() : new Int8Rows(codes.to(device), scb.to(device));
  }

  /** A second owner of the same memory, closed on its own. */
  public Int8Rows share() {
    return new Int8Rows(codes.alias(), scb.alias());
  }

  @Override
  public void close() {
    codes.close();
    scb.close();
  }
}
