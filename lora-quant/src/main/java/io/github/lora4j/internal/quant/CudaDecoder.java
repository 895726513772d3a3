package io.github.lora4j.internal.quant;

import io.github.lora4j.tensor.CudaArguments;
import io.github.lora4j.tensor.CudaProgram;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Tensor;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/**
 * Makes numbers of 4-bit codes on a GPU, in one pass over memory, with the bits of {@link
 * FourBitDecoder}.
 */
final class CudaDecoder {

  private static final String FILE = "dequantize_4bit.cu";

  static final CudaProgram PROGRAM = CudaProgram.of(FILE, source());

  private static final int THREADS = 256;

  /** Bytes that a thread writes at a time, and how often. */
  private static final int BYTES = 16;

  private static final int TIMES = 4;

  private CudaDecoder() {}

  /**
   * Decodes everything.
   *
   * @param target F32, BF16 or F16, as many elements, contiguous, on the same GPU
   */
  static void decodeInto(Quantized4Bit weight, Tensor target) {
    PROGRAM.run(
        kernel(target.dtype()),
        weight.device(),
        blocks(weight.numel(), target.dtype()),
        THREADS,
        arguments(weight, target));
  }

  /** The arguments, which are the same for all kernels. */
  static CudaArguments arguments(Quantized4Bit weight, Tensor target) {
    CudaArguments arguments = new CudaArguments().add(weight.codes());
    if (weight.nested().isPresent()) {
      Quantized4Bit.Nested nested = weight.nested().get();
      arguments
          .addNull()
          .add(weight.absmax())
          .add(nested.codeMap())
          .add(nested.absmax())
          .add(nested.offset())
          .add(nested.blocksize());
    } else {
      arguments.add(weight.absmax()).addNull().addNull().addNull().add(0f).add(1);
    }
    return arguments
        .add(weight.type().codeBook())
        .add(Integer.numberOfTrailingZeros(weight.blocksize()))
        .add(weight.numel())
        .add(target);
  }

  /** The kernel for a dtype. */
  static String kernel(DType dtype) {
    return switch (dtype) {
      case F32 -> "dequantize_4bit_f32";
      case BF16 -> "dequantize_4bit_bf16";
      case F16 -> "dequantize_4bit_f16";
      default ->
          throw new IllegalArgumentException("dtype: expected F32, BF16 or F16, found " + dtype);
    };
  }

  /** How many blocks of threads it takes. */
  static long blocks(long numel, DType dtype) {
    long elements = (long) BYTES / dtype.byteSize() * TIMES * THREADS;
    return (numel + elements - 1) / elements;
  }

  private static String source() {
    try (InputStream stream = CudaDecoder.class.getResourceAsStream(FILE)) {
      if (stream == null) {
        throw new IllegalStateException(
            FILE
                + " is missing beside "
                + CudaDecoder.class
                + ": the jar of lora-quant is damaged");
      }
      return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(FILE + " can't be read", e);
    }
  }
}
