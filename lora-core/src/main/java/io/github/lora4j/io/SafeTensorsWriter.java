package io.github.lora4j.io;

import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Writes SafeTensors files, byte for byte as Python's {@code safetensors.torch.save_file} does.
 *
 * <p>A file appears under its name only once it is whole; a failure leaves what was there before.
 * Tensors may lie on any device and in any layout; they are copied to the CPU one at a time where
 * needed. Tensors that share memory are written under each of the names given.
 */
public final class SafeTensorsWriter {

  private static final int CHUNK_BYTES = 1 << 20;

  private SafeTensorsWriter() {}

  /**
   * Writes tensors to one file with the metadata {@code format: pt}.
   *
   * @param file the file to make or replace; its folder is made where it is missing
   * @param tensors the tensors by name, borrowed
   * @throws UncheckedIOException if the file cannot be written
   */
  public static void write(Path file, Map<String, Tensor> tensors) {
    write(file, tensors, Map.of());
  }

  /**
   * Writes tensors to one file with metadata of one's own.
   *
   * @param file the file to make or replace; its folder is made where it is missing
   * @param tensors the tensors by name, borrowed
   * @param metadata free text, added to {@code format: pt}
   * @throws IllegalArgumentException if a name is not valid Unicode or is {@code __metadata__}
   * @throws UncheckedIOException if the file cannot be written
   */
  public static void write(Path file, Map<String, Tensor> tensors, Map<String, String> metadata) {
    try (AtomicFile pending = AtomicFile.create(file)) {
      writeTo(pending, tensors, metadata);
      pending.moveIntoPlace();
    } catch (IOException e) {
      throw AtomicFile.failure(file, e);
    }
  }

  /** Writes and finishes the file, and leaves it under its temporary name. */
  static void writeTo(AtomicFile file, Map<String, Tensor> tensors, Map<String, String> metadata)
      throws IOException {
    Map<String, String> text = new LinkedHashMap<>();
    text.put("format", "pt");
    text.putAll(metadata);
    List<Map.Entry<String, Tensor>> ordered = HeaderWriter.inFileOrder(tensors);
    file.write(HeaderWriter.write(ordered, text));
    byte[] chunk = new byte[CHUNK_BYTES];
    for (Map.Entry<String, Tensor> entry : ordered) {
      writeData(file, entry.getValue(), chunk);
    }
    file.finish();
  }

  private static void writeData(AtomicFile file, Tensor tensor, byte[] chunk) throws IOException {
    try (TensorScope temporaries = TensorScope.open()) {
      Tensor host = tensor.detach().to(Device.CPU).contiguous();
      long size = HeaderWriter.byteSize(host);
      for (long done = 0; done < size; ) {
        int length = (int) Math.min(chunk.length, size - done);
        host.copyBytesTo(done, chunk, length);
        file.write(ByteBuffer.wrap(chunk, 0, length));
        done += length;
      }
    }
  }
}
