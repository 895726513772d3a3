package io.github.lora4j.io;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A checked SafeTensors header.
 *
 * @param tensors every tensor by name, in the order of their data in the file
 * @param metadata the free text of {@code __metadata__}, in the file's order
 * @param fileSize bytes of the whole file
 */
record Header(Map<String, TensorInfo> tensors, Map<String, String> metadata, long fileSize) {

  /** The one key that is not a tensor's name. */
  static final String METADATA = "__metadata__";

  /** The bytes before the header, which hold its length. */
  static final int LENGTH_BYTES = 8;

  /** The longest header that the reference implementation reads or writes, in bytes. */
  static final int MAX_BYTES = 100_000_000;

  Header {
    tensors = Collections.unmodifiableMap(new LinkedHashMap<>(tensors));
    metadata = Collections.unmodifiableMap(new LinkedHashMap<>(metadata));
  }
}
