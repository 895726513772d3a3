package io.github.lora4j.internal.quant;

import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.NoGrad;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.Arrays;
import java.util.Optional;
import java.util.function.UnaryOperator;

/**
 * The 4-bit codes of one tensor with what decodes them: bitsandbytes' {@code Params4bit} and its
 * {@code QuantState}, bit for bit.
 *
 * <p>It owns its tensors, outside of all scopes, until it is closed. Reading is safe from several
 * threads.
 */
public final class Quantized4Bit implements AutoCloseable {

  /** Scales that share one scale of their own: {@code nested_blocksize}. */
  private static final int NESTED_BLOCKSIZE = 256;

  private final Tensor codes;
  private final long[] shape;
  private final DType dtype;
  private final QuantType type;
  private final int blocksize;
  private final Tensor absmax;
  private final Optional<Nested> nested;

  /**
   * What decodes scales that are coded themselves: absmax = map[code] * absmax' + offset.
   *
   * @param absmax F32, one for each block of codes
   * @param codeMap F32 {@code [256]}
   * @param offset the mean of the scales
   * @param blocksize how many scales share one of {@code absmax}
   */
  public record Nested(Tensor absmax, Tensor codeMap, float offset, int blocksize) {}

  private Quantized4Bit(
      Tensor codes,
      long[] shape,
      DType dtype,
      QuantType type,
      int blocksize,
      Tensor absmax,
      Optional<Nested> nested) {
    this.codes = TensorScope.keep(codes);
    this.shape = shape.clone();
    this.dtype = dtype;
    this.type = type;
    this.blocksize = blocksize;
    this.absmax = TensorScope.keep(absmax);
    this.nested = nested;
    nested.ifPresent(
        n -> {
          TensorScope.keep(n.absmax);
          TensorScope.keep(n.codeMap);
        });
  }

  /**
   * Codes a tensor: {@code quantize_4bit(source, blocksize, compress_statistics, quant_type)}.
   *
   * @param source F32, BF16 or F16, of any shape but not empty; computed on the CPU wherever it
   *     lies, and the codes lie where it does
   * @param blocksize how many elements share a scale: a power of two from 32 to 4096
   * @param doubleQuant whether the scales are coded too
   * @throws IllegalArgumentException if an element is not finite; says which
   */
  public static Quantized4Bit quantize(
      Tensor source, QuantType type, int blocksize, boolean doubleQuant) {
    Elements.requireFloats(source.dtype());
    Layout4Bit layout = Layout4Bit.of(source.shape(), blocksize);
    try (TensorScope scope = TensorScope.open();
        NoGrad noGrad = NoGrad.open()) {
      Tensor host = source.to(Device.CPU).contiguous();
      Tensor codes = Tensor.empty(DType.U8, Device.CPU, layout.bytes(), 1);
      Tensor absmax = Tensor.empty(DType.F32, Device.CPU, layout.blocks());
      new FourBitEncoder(type, blocksize).encode(host, codes, absmax);
      Quantized4Bit weight =
          doubleQuant
              ? withCodedScales(codes, source, type, blocksize, absmax)
              : new Quantized4Bit(
                  codes, source.shape(), source.dtype(), type, blocksize, absmax, Optional.empty());
      if (source.device().equals(Device.CPU)) {
        return weight;
      }
      try (weight) {
        return weight.to(source.device());
      }
    }
  }

  private static Quantized4Bit withCodedScales(
      Tensor codes, Tensor source, QuantType type, int blocksize, Tensor absmax) {
    float offset = (float) absmax.mean().item();
    float[] centred = absmax.toFloatArray();
    for (int i = 0; i < centred.length; i++) {
      centred[i] -= offset;
    }
    Blockwise8Bit coder = Blockwise8Bit.of(Blockwise8Bit.dynamicMap(true));
    byte[] bytes = new byte[centred.length];
    float[] scales = new float[(centred.length + NESTED_BLOCKSIZE - 1) / NESTED_BLOCKSIZE];
    for (int i = 0; i < scales.length; i++) {
      int at = i * NESTED_BLOCKSIZE;
      int count = Math.min(NESTED_BLOCKSIZE, centred.length - at);
      scales[i] = coder.quantize(centred, at, count, bytes, at, Blockwise8Bit.Rounding.MARKS);
    }
    Nested nested =
        new Nested(
            Tensor.of(scales, scales.length),
            Tensor.of(coder.map(), 256),
            offset,
            NESTED_BLOCKSIZE);
    return new Quantized4Bit(
        codes,
        source.shape(),
        source.dtype(),
        type,
        blocksize,
        Tensor.ofBytes(bytes, bytes.length),
        Optional.of(nested));
  }

  /**
   * Takes over the tensors of a checkpoint.
   *
   * @param codes U8, two elements in each byte, the first in the high half; other storage types are
   *     viewed as U8 before
   * @param shape of the tensor that was coded
   * @param dtype of the tensor that was coded: F32, BF16 or F16
   * @param blocksize how many elements share a scale
   * @param absmax F32, or U8 if nested, one for each block
   * @param nested how to decode {@code absmax}
   * @throws IllegalArgumentException if they don't fit together
   */
  public static Quantized4Bit of(
      Tensor codes,
      long[] shape,
      DType dtype,
      QuantType type,
      int blocksize,
      Tensor absmax,
      Optional<Nested> nested) {
    Elements.requireFloats(dtype);
    Layout4Bit layout = Layout4Bit.of(shape, blocksize);
    Layout4Bit.require("codes", codes, DType.U8, layout.bytes());
    Layout4Bit.require(
        "absmax", absmax, nested.isPresent() ? DType.U8 : DType.F32, layout.blocks());
    nested.ifPresent(
        n -> {
          Layout4Bit.require("nested codeMap", n.codeMap, DType.F32, 256);
          if (n.blocksize < 1) {
            throw new IllegalArgumentException(
                "nested blocksize: expected at least 1, found " + n.blocksize);
          }
          long scales = (layout.blocks() + n.blocksize - 1) / n.blocksize;
          Layout4Bit.require("nested absmax", n.absmax, DType.F32, scales);
        });
    return new Quantized4Bit(codes, shape, dtype, type, blocksize, absmax, nested);
  }

  /** The codes, U8 {@code [bytes, 1]}: the first of two elements is in the high half of a byte. */
  public Tensor codes() {
    return codes;
  }

  /** The shape of the tensor that was coded. */
  public long[] shape() {
    return shape.clone();
  }

  /** The number of elements. */
  public long numel() {
    return Layout4Bit.numel(shape);
  }

  /** The dtype of the tensor that was coded. */
  public DType dtype() {
    return dtype;
  }

  /** The code book. */
  public QuantType type() {
    return type;
  }

  /** How many elements share a scale. */
  public int blocksize() {
    return blocksize;
  }

  /** The scales of the blocks: F32 {@code [blocks]}, or their codes in U8 if {@link #nested}. */
  public Tensor absmax() {
    return absmax;
  }

  /** What decodes the scales, if they are coded too. */
  public Optional<Nested> nested() {
    return nested;
  }

  /** Where the codes lie. */
  public Device device() {
    return codes.device();
  }

  /** How much memory all of it takes, in bytes. */
  public long bytes() {
    return Layout4Bit.bytes(codes)
        + Layout4Bit.bytes(absmax)
        + nested.map(n -> Layout4Bit.bytes(n.absmax) + Layout4Bit.bytes(n.codeMap)).orElse(0L);
  }

  /**
   * Decodes into memory at hand: the code book's value times the scale, in float32, then rounded.
   * Not recorded for gradients.
   *
   * @param target F32, BF16 or F16, as many elements, contiguous, on the same device
   * @throws io.github.lora4j.error.DeviceException if a GPU's kernel can't be compiled or called
   */
  public void dequantizeInto(Tensor target) {
    Elements.requireFloats(target.dtype());
    if (target.numel() != numel() || !target.isContiguous()) {
      throw new IllegalArgumentException(
          "target: expected a contiguous tensor of "
              + numel()
              + " elements, as of "
              + Arrays.toString(shape)
              + ", found "
              + target);
    }
    if (!target.device().equals(device())) {
      throw new IllegalArgumentException(
          "target: expected one on " + device() + ", where the codes lie, found " + target);
    }
    if (device().equals(Device.CPU)) {
      new FourBitDecoder(this, KernelChoice.kernels(this)).decodeInto(target);
    } else {
      GpuDecoding.chosen().decodeInto(this, target);
    }
  }

  /**
   * Decodes: {@code dequantize_4bit}.
   *
   * @param wanted F32, BF16 or F16
   * @return a tensor of {@link #shape} in the caller's scope
   */
  public Tensor dequantize(DType wanted) {
    Tensor target = Tensor.empty(wanted, device(), shape);
    dequantizeInto(target);
    return target;
  }

  /**
   * The product with a few rows, as in generation, straight from the codes: {@code x} times the
   * transposed weight, without rounding the weight, summed in float32. Not recorded for gradients.
   *
   * @param x F32, BF16 or F16 {@code [..., in]}
   * @return {@code [..., out]} in x's dtype and the caller's scope; empty where {@link #dequantize}
   *     and a product of libtorch's are faster, or nothing is made for the shape or the device
   */
  public Optional<Tensor> matvec(Tensor x) {
    if (!device().equals(Device.CPU)) {
      return Optional.empty();
    }
    FourBitKernels kernels = KernelChoice.kernels(this);
    return FewRows4Bit.suits(this, x, kernels)
        ? Optional.of(FewRows4Bit.multiply(this, x, kernels))
        : Optional.empty();
  }

  /** A copy on a device, with memory of its own where that is another one. */
  public Quantized4Bit to(Device device) {
    return map(tensor -> tensor.device().equals(device) ? tensor.alias() : tensor.to(device));
  }

  /** A second owner of the same memory, closed on its own. */
  public Quantized4Bit share() {
    return map(Tensor::alias);
  }

  private Quantized4Bit map(UnaryOperator<Tensor> copy) {
    return new Quantized4Bit(
        copy.apply(codes),
        shape,
        dtype,
        type,
        blocksize,
        copy.apply(absmax),
        nested.map(
            n -> new Nested(copy.apply(n.absmax), copy.apply(n.codeMap), n.offset, n.blocksize)));
  }

  @Override
  public void close() {
    codes.close();
    absmax.close();
    nested.ifPresent(
        n -> {
          n.absmax.close();
          n.codeMap.close();
        });
  }

  /** Type, shape and block size, such as {@code NF4[192, 256] in blocks of 64}. */
  @Override
  public String toString() {
    return type
        + Arrays.toString(shape)
        + " in blocks of "
        + blocksize
        + (nested.isPresent() ? ", scales coded" : "");
  }
}
