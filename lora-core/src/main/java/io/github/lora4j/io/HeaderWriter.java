package io.github.lora4j.io;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import io.github.lora4j.tensor.Tensor;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;

/**
 * Lays tensors out in a file and writes the header, byte for byte as the format's reference
 * implementation does.
 */
final class HeaderWriter {

  private static final JsonFactory FACTORY = new JsonFactory();

  // The widest dtype first keeps everything aligned; then the names' UTF-8 order.
  private static final Comparator<Map.Entry<String, Tensor>> FILE_ORDER =
      Comparator.<Map.Entry<String, Tensor>, StoredType>comparing(
              entry -> StoredType.of(entry.getValue().dtype()))
          .reversed()
          .thenComparing(
              entry -> entry.getKey().getBytes(StandardCharsets.UTF_8), Arrays::compareUnsigned);

  private HeaderWriter() {}

  /** The tensors in the order in which the reference implementation stores them. */
  static List<Map.Entry<String, Tensor>> inFileOrder(Map<String, Tensor> tensors) {
    return tensors.entrySet().stream().sorted(FILE_ORDER).toList();
  }

  /** The length field and the header, padded with spaces so that the data begin aligned. */
  static ByteBuffer write(List<Map.Entry<String, Tensor>> tensors, Map<String, String> metadata) {
    byte[] json = json(tensors, metadata);
    int padded = Math.addExact(json.length, 7) & ~7;
    if (padded > Header.MAX_BYTES) {
      throw new IllegalArgumentException(
          "the header would take %d bytes, and the format allows %d: write fewer tensors to one file"
              .formatted(padded, Header.MAX_BYTES));
    }
    ByteBuffer buffer =
        ByteBuffer.allocate(Header.LENGTH_BYTES + padded).order(ByteOrder.LITTLE_ENDIAN);
    buffer.putLong(padded).put(json);
    while (buffer.hasRemaining()) {
      buffer.put((byte) ' ');
    }
    return buffer.flip();
  }

  private static byte[] json(
      List<Map.Entry<String, Tensor>> tensors, Map<String, String> metadata) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (JsonGenerator json = FACTORY.createGenerator(bytes)) {
      json.writeStartObject();
      json.writeObjectFieldStart(Header.METADATA);
      for (Map.Entry<String, String> entry : metadata.entrySet()) {
        json.writeStringField(checked(entry.getKey()), checked(entry.getValue()));
      }
      json.writeEndObject();
      long offset = 0;
      for (Map.Entry<String, Tensor> entry : tensors) {
        offset = writeEntry(json, checkedName(entry.getKey()), entry.getValue(), offset);
      }
      json.writeEndObject();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  private static long writeEntry(JsonGenerator json, String name, Tensor tensor, long offset)
      throws IOException {
    long[] shape = tensor.shape();
    long end = Math.addExact(offset, byteSize(tensor));
    json.writeObjectFieldStart(name);
    json.writeStringField("dtype", tensor.dtype().name());
    json.writeFieldName("shape");
    json.writeArray(shape, 0, shape.length);
    json.writeFieldName("data_offsets");
    json.writeArray(new long[] {offset, end}, 0, 2);
    json.writeEndObject();
    return end;
  }

  static long byteSize(Tensor tensor) {
    return Math.multiplyExact(tensor.numel(), tensor.dtype().byteSize());
  }

  private static String checkedName(String name) {
    if (name.equals(Header.METADATA)) {
      throw new IllegalArgumentException(
          "a tensor cannot be named " + Header.METADATA + ": the format keeps that for itself");
    }
    return checked(name);
  }

  private static String checked(String text) {
    if (!StandardCharsets.UTF_8.newEncoder().canEncode(text)) {
      throw new IllegalArgumentException("not valid Unicode: " + Quoted.of(text));
    }
    return text;
  }
}
