package io.github.lora4j.io;

import io.github.lora4j.error.CheckpointFormatException;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.NativeMemory;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;

/**
 * An open SafeTensors file, mapped into memory.
 *
 * <p>The header is checked against the file before anything is believed: a file that opens has
 * every tensor whole and inside it. The file must not change while it is open or a tensor of it is
 * in use; if something cuts it off, reading the lost part ends the process, as it does with every
 * mapped file. Replacing the file by renaming another onto it, as {@link SafeTensorsWriter} does,
 * is safe on Linux and macOS; Windows refuses it while the file is mapped.
 *
 * <p>Reading is safe from several threads; closing is not.
 *
 * <p>Format: <a href="https://huggingface.co/docs/safetensors">SafeTensors</a>.
 */
public final class SafeTensors implements AutoCloseable {

  private final Path file;
  private final Header header;
  private final Tensor mapping;

  private SafeTensors(Path file, Header header, Tensor mapping) {
    this.file = file;
    this.header = header;
    this.mapping = mapping;
  }

  /**
   * Opens a file of any size; takes milliseconds, since the data are not read yet.
   *
   * @throws CheckpointFormatException if it isn't a whole, consistent SafeTensors file
   * @throws UncheckedIOException if it is missing or cannot be read
   */
  public static SafeTensors open(Path file) {
    Header header = HeaderReader.read(file);
    return new SafeTensors(file, header, TensorScope.keep(Tensor.mapFile(file, header.fileSize())));
  }

  /** The file that was opened. */
  public Path file() {
    return file;
  }

  /** The names of all tensors, in the order of their data in the file. */
  public Set<String> names() {
    return header.tensors().keySet();
  }

  /**
   * What the header says of a tensor.
   *
   * @throws CheckpointFormatException if there is no tensor of this name
   */
  public TensorInfo info(String name) {
    TensorInfo info = header.tensors().get(name);
    if (info == null) {
      throw new CheckpointFormatException(
          "%s has no tensor %s among its %d".formatted(file, Quoted.of(name), names().size()));
    }
    return info;
  }

  /** The free text of the header's {@code __metadata__}; empty where there is none. */
  public Map<String, String> metadata() {
    return header.metadata();
  }

  /**
   * A tensor on the CPU, with the file's dtype and shape.
   *
   * <p>It is a view of the mapped file wherever its data are aligned to the element size; else a
   * copy. BOOL is always a copy, since a byte other than 0 and 1 must not get into a tensor of that
   * type. Writing to the tensor never changes the file, but would show in other views of it.
   *
   * @return a new tensor, the caller's (or its {@link TensorScope}'s) to close; it stays valid
   *     after this reader is closed, for the tensor holds the mapping
   * @throws CheckpointFormatException if there is no tensor of this name, or its dtype is one that
   *     {@link DType} lacks
   * @throws IllegalStateException if this reader is closed
   */
  public Tensor tensor(String name) {
    TensorInfo info = info(name);
    DType dtype = info.dtype();
    long[] shape = info.shape().stream().mapToLong(Long::longValue).toArray();
    try (TensorScope temporaries = TensorScope.open()) {
      Tensor bytes = mapping.narrow(0, info.byteOffset(), info.byteSize());
      if (dtype == DType.BOOL) {
        return temporaries.handOver(bytes.to(DType.BOOL).view(shape));
      }
      boolean aligned = info.byteOffset() % dtype.byteSize() == 0;
      return temporaries.handOver((aligned ? bytes : bytes.copy()).viewAs(dtype).view(shape));
    }
  }

  /**
   * Takes the data of a tensor that was read out of memory; its views read the file again. Views
   * that were written to lose that.
   */
  public void drop(String name) {
    TensorInfo info = info(name);
    try (TensorScope temporaries = TensorScope.open()) {
      NativeMemory.drop(mapping.narrow(0, info.byteOffset(), info.byteSize()));
    }
  }

  /** Gives up this reader's hold on the mapping; tensors read from it stay valid. */
  @Override
  public void close() {
    mapping.close();
  }

  /** The file and the number of its tensors. */
  @Override
  public String toString() {
    return "SafeTensors[%s, %d tensors]".formatted(file, names().size());
  }
}
