package io.github.lora4j.text;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/**
 * The fields of one message in protocol buffers' encoding, one after the other. Lengths are
 * untrusted: none reaches beyond the message.
 */
final class ProtobufReader {

  private static final int VARINT = 0;
  private static final int FIXED64 = 1;
  private static final int BYTES = 2;
  private static final int FIXED32 = 5;
  private static final int MAX_SHIFT = 63;

  private final ByteBuffer data;
  private int wireType;

  ProtobufReader(ByteBuffer data) {
    this.data = data.slice().order(ByteOrder.LITTLE_ENDIAN);
  }

  /** Moves to the next field and returns its number, 0 at the end. */
  int next() throws IOException {
    if (!data.hasRemaining()) {
      return 0;
    }
    long tag = varint();
    wireType = (int) (tag & 7);
    long field = tag >>> 3;
    if (field < 1 || field > Integer.MAX_VALUE) {
      throw damaged("a field has the number " + field);
    }
    return (int) field;
  }

  void skip() throws IOException {
    switch (wireType) {
      case VARINT -> varint();
      case FIXED64 -> take(Long.BYTES);
      case BYTES -> take(varint());
      case FIXED32 -> take(Integer.BYTES);
      default -> throw damaged("a field is of the unknown kind " + wireType);
    }
  }

  long number() throws IOException {
    expect(VARINT);
    return varint();
  }

  float real() throws IOException {
    expect(FIXED32);
    return take(Float.BYTES).getFloat();
  }

  ByteBuffer bytes() throws IOException {
    expect(BYTES);
    return take(varint());
  }

  String text() throws IOException {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(bytes()).toString();
    } catch (CharacterCodingException e) {
      throw new IOException("a text at byte " + data.position() + " is not UTF-8", e);
    }
  }

  private void expect(int kind) throws IOException {
    if (wireType != kind) {
      throw damaged("expected a field of kind " + kind + ", found " + wireType);
    }
  }

  private ByteBuffer take(long length) throws IOException {
    if (length < 0 || length > data.remaining()) {
      throw damaged("expected " + length + " more bytes, found " + data.remaining());
    }
    ByteBuffer part = data.slice(data.position(), (int) length).order(ByteOrder.LITTLE_ENDIAN);
    data.position(data.position() + (int) length);
    return part;
  }

  private long varint() throws IOException {
    long value = 0;
    for (int shift = 0; shift <= MAX_SHIFT; shift += 7) {
      byte next = take(1).get();
      value |= (long) (next & 0x7f) << shift;
      if (next >= 0) {
        return value;
      }
    }
    throw damaged("a number has more than ten bytes");
  }

  private IOException damaged(String problem) {
    return new IOException("byte " + data.position() + " of a message: " + problem);
  }
}
