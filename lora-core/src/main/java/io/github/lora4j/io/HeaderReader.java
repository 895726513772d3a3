package io.github.lora4j.io;

import io.github.lora4j.error.CheckpointFormatException;
import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reads a SafeTensors header and believes none of it before it is checked.
 *
 * <p>As strict as the format's reference implementation: tensors lie one after the other without
 * holes or overlaps, from the end of the header to the end of the file, and each takes exactly the
 * bytes that its shape and dtype call for. Stricter in three things: the header begins with a brace
 * (as the format's text demands), no tensor has over 64 dimensions, and no product of sizes exceeds
 * 2^63 - 1 even where another size is 0 (libtorch would overflow on both).
 */
final class HeaderReader {

  private static final int MAX_DIMENSIONS = 64;
  private static final String HEADER = "the header";

  /** The text "version ", with which such a pointer begins, read as a length. */
  private static final long GIT_LFS_POINTER = 0x206e6f6973726576L;

  private final Path file;
  private final Map<String, String> metadata = new LinkedHashMap<>();
  private final List<TensorInfo> tensors = new ArrayList<>();
  private long dataStart;

  private HeaderReader(Path file) {
    this.file = file;
  }

  /**
   * Reads and checks the header of a file.
   *
   * @throws CheckpointFormatException if the file isn't a whole, consistent SafeTensors file
   * @throws UncheckedIOException if it cannot be read
   */
  static Header read(Path file) {
    try {
      if (!Files.exists(file)) {
        throw new NoSuchFileException(file.toString());
      }
      if (!Files.isRegularFile(file)) {
        throw new CheckpointFormatException(file + ": expected a SafeTensors file, found no file");
      }
      try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
        return new HeaderReader(file).read(channel);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + file + ": " + e.getMessage(), e);
    }
  }

  private Header read(FileChannel channel) throws IOException {
    long size = channel.size();
    long length = headerLength(channel, size);
    ByteBuffer json = readFully(channel, Header.LENGTH_BYTES, (int) length);
    if (length == 0 || json.get(0) != '{') {
      throw error("the header does not begin with '{'; this is no SafeTensors file");
    }
    dataStart = Header.LENGTH_BYTES + length;
    StrictJson.read(file, HEADER, json, this::readEntries);
    checkLayout(size);
    Map<String, TensorInfo> byName = new LinkedHashMap<>();
    tensors.forEach(tensor -> byName.put(tensor.name(), tensor));
    return new Header(byName, metadata, size);
  }

  private long headerLength(FileChannel channel, long size) throws IOException {
    if (size < Header.LENGTH_BYTES) {
      throw error("expected at least 8 bytes, found %d; the file is cut off".formatted(size));
    }
    long length =
        readFully(channel, 0, Header.LENGTH_BYTES).order(ByteOrder.LITTLE_ENDIAN).getLong();
    if (length == GIT_LFS_POINTER) {
      throw error(
          "this is git-lfs's pointer to the file, not the file itself; run 'git lfs pull' in the"
              + " clone, or load the model by its name on the hub");
    }
    if (length < 0 || length > Header.MAX_BYTES) {
      throw error(
          "the header claims %s bytes, more than the format's limit of %d; this is no SafeTensors file"
              .formatted(Long.toUnsignedString(length), Header.MAX_BYTES));
    }
    if (length > size - Header.LENGTH_BYTES) {
      throw error(
          "the header claims %d bytes, but the file has only %d after its first 8; it is cut off"
              .formatted(length, size - Header.LENGTH_BYTES));
    }
    return length;
  }

  private static ByteBuffer readFully(FileChannel channel, long position, int length)
      throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(length);
    while (buffer.hasRemaining()) {
      int read = channel.read(buffer, position + buffer.position());
      if (read < 0) {
        throw new EOFException("the file became shorter while it was read");
      }
    }
    return buffer.flip();
  }

  private void readEntries(StrictJson json) throws IOException {
    json.object(
        HEADER,
        key -> {
          if (key.equals(Header.METADATA)) {
            json.object(
                Header.METADATA,
                name -> metadata.put(name, json.string(Header.METADATA + "." + Quoted.of(name))));
          } else {
            tensors.add(readTensor(json, key));
          }
        });
  }

  private TensorInfo readTensor(StrictJson json, String name) throws IOException {
    Fields fields = new Fields();
    String where = "tensor " + Quoted.of(name);
    json.object(
        where,
        key -> {
          switch (key) {
            case "dtype" -> fields.dtype = json.string("the dtype of " + where);
            case "shape" -> fields.shape = json.counts("the shape of " + where, MAX_DIMENSIONS);
            case "data_offsets" -> fields.offsets = json.counts("data_offsets of " + where, 2);
            default -> json.skip(); // as the reference does: room for later versions of the format
          }
        });
    return fields.check(name);
  }

  /** The fields of one entry as they come in, in whatever order. */
  private final class Fields {
    @Nullable String dtype;
    long @Nullable [] shape;
    long @Nullable [] offsets;

    TensorInfo check(String name) {
      if (dtype == null || shape == null || offsets == null || offsets.length != 2) {
        throw error(name, "expected a dtype, a shape and two data_offsets");
      }
      long begin = offsets[0];
      long end = offsets[1];
      if (begin > end) {
        throw error(name, "data_offsets begin at %d, after their end %d".formatted(begin, end));
      }
      long needed = byteSize(name, dtype, shape);
      if (needed != end - begin) {
        throw error(
            name,
            "dtype %s and shape %s take %d bytes, but data_offsets span %d"
                .formatted(dtype, Arrays.toString(shape), needed, end - begin));
      }
      if (end > Long.MAX_VALUE - dataStart) {
        throw error(name, "data_offsets end at %d, beyond any file".formatted(end));
      }
      List<Long> sizes = Arrays.stream(shape).boxed().toList();
      return new TensorInfo(name, file, dtype, sizes, dataStart + begin, needed);
    }
  }

  private long byteSize(String name, String dtype, long[] shape) {
    StoredType type =
        StoredType.named(dtype).orElseThrow(() -> error(name, "unknown dtype " + Quoted.of(dtype)));
    long bits = type.bits();
    boolean empty = false;
    try {
      for (long size : shape) {
        bits = Math.multiplyExact(bits, Math.max(size, 1));
        empty |= size == 0;
      }
    } catch (ArithmeticException e) {
      throw error(name, "the shape is larger than 2^63 bits: " + Arrays.toString(shape));
    }
    if (empty) {
      return 0;
    }
    if (bits % 8 != 0) {
      throw error(name, "dtype %s and this shape do not fill whole bytes".formatted(dtype));
    }
    return bits / 8;
  }

  private void checkLayout(long size) {
    tensors.sort(
        Comparator.comparingLong(TensorInfo::byteOffset).thenComparingLong(TensorInfo::byteSize));
    long next = dataStart;
    for (TensorInfo tensor : tensors) {
      long begin = tensor.byteOffset();
      if (begin > size - tensor.byteSize()) {
        throw error(
            tensor.name(),
            "data end at byte %d, but the file has %d; it is cut off or damaged"
                .formatted(begin + tensor.byteSize(), size));
      }
      if (begin != next) {
        throw error(
            tensor.name(),
            begin < next
                ? "data overlap another tensor's at byte " + begin
                : "%d bytes before its data belong to no tensor".formatted(begin - next));
      }
      next = begin + tensor.byteSize();
    }
    if (next != size) {
      throw error("%d bytes at the end belong to no tensor".formatted(size - next));
    }
  }

  private CheckpointFormatException error(String problem) {
    return new CheckpointFormatException(file + ": " + problem);
  }

  private CheckpointFormatException error(String tensor, String problem) {
    return new CheckpointFormatException(
        "%s: tensor %s: %s".formatted(file, Quoted.of(tensor), problem));
  }
}
