package io.github.lora4j.io;

import io.github.lora4j.tensor.DType;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * The element types that the SafeTensors format knows, in its own order: by growing alignment.
 *
 * <p>A file may hold types that no {@link DType} stands for; their sizes must be known all the same
 * to check the file.
 */
enum StoredType {
  BOOL(8),
  F4(4),
  F6_E2M3(6),
  F6_E3M2(6),
  U8(8),
  I8(8),
  F8_E5M2(8),
  F8_E4M3(8),
  F8_E8M0(8),
  F8_E4M3FNUZ(8),
  F8_E5M2FNUZ(8),
  I16(16),
  U16(16),
  F16(16),
  BF16(16),
  I32(32),
  U32(32),
  F32(32),
  C64(64),
  F64(64),
  I64(64),
  U64(64);

  private static final Map<String, StoredType> BY_NAME =
      Arrays.stream(values())
          .collect(Collectors.toUnmodifiableMap(Enum::name, Function.identity()));

  private final int bits;

  StoredType(int bits) {
    this.bits = bits;
  }

  static Optional<StoredType> named(String name) {
    return Optional.ofNullable(BY_NAME.get(name));
  }

  static StoredType of(DType dtype) {
    return valueOf(dtype.name());
  }

  /** Bits of one element; some types pack two or more elements into a byte. */
  int bits() {
    return bits;
  }
}
