package io.github.lora4j.tensor;

import java.util.Locale;
import java.util.Optional;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** The type of a tensor's elements, named as SafeTensors names it. */
public enum DType {
  /** 64-bit floating point. */
  F64(8, "float64", ScalarType.Double),
  /** 32-bit floating point. */
  F32(4, "float32", ScalarType.Float),
  /** IEEE half precision. */
  F16(2, "float16", ScalarType.Half),
  /** Brain floating point: float32's range in 16 bits. */
  BF16(2, "bfloat16", ScalarType.BFloat16),
  /** 64-bit signed integer. */
  I64(8, "int64", ScalarType.Long),
  /** 32-bit signed integer. */
  I32(4, "int32", ScalarType.Int),
  /** 16-bit signed integer. */
  I16(2, "int16", ScalarType.Short),
  /** 8-bit signed integer. */
  I8(1, "int8", ScalarType.Char),
  /** 8-bit unsigned integer. */
  U8(1, "uint8", ScalarType.Byte),
  /** One byte, 0 or 1. */
  BOOL(1, "bool", ScalarType.Bool);

  private final int byteSize;
  private final String torchName;
  private final ScalarType scalarType;

  DType(int byteSize, String torchName, ScalarType scalarType) {
    this.byteSize = byteSize;
    this.torchName = torchName;
    this.scalarType = scalarType;
  }

  /** Bytes of one element. */
  public int byteSize() {
    return byteSize;
  }

  /** The name that PyTorch and {@code config.json} use, such as {@code bfloat16}. */
  public String torchName() {
    return torchName;
  }

  /** Whether this is one of F64, F32, F16 and BF16. */
  public boolean isFloatingPoint() {
    return this == F64 || this == F32 || this == F16 || this == BF16;
  }

  /**
   * Finds a dtype by PyTorch's name ({@code float16}, {@code torch.float16}) or SafeTensors'
   * ({@code F16}).
   */
  public static Optional<DType> byName(String name) {
    String wanted = name.startsWith("torch.") ? name.substring("torch.".length()) : name;
    for (DType dtype : values()) {
      if (dtype.torchName.equals(wanted) || dtype.name().equals(wanted.toUpperCase(Locale.ROOT))) {
        return Optional.of(dtype);
      }
    }
    return Optional.empty();
  }

  ScalarType scalarType() {
    return scalarType;
  }

  static DType of(ScalarType scalarType) {
    ScalarType interned = scalarType.intern();
    for (DType dtype : values()) {
      if (dtype.scalarType == interned) {
        return dtype;
      }
    }
    throw new IllegalStateException(
        "libtorch made a tensor of type " + interned + ", which has no DType");
  }
}
