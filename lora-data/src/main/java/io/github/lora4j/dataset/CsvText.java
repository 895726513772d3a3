package io.github.lora4j.dataset;

import io.github.lora4j.error.DatasetException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.Charset;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.CodingErrorAction;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;

/**
 * The text of a file, decoded whole and strictly, so that no character is replaced unseen.
 *
 * @param text all characters before the first malformed one, without a byte order mark
 * @param malformed the bytes behind it that the encoding does not allow, or that are no text, as
 *     hex digits; empty if all is well
 */
record CsvText(String text, String malformed) {

  private static final int MAX_BYTES = Integer.MAX_VALUE - 8;

  static CsvText read(Path file, Charset charset) {
    if (!Files.isRegularFile(file)) {
      throw new DatasetException(
          Files.exists(file)
              ? file + " is not a file: expected a file of delimited values"
              : "there is no file " + file.toAbsolutePath());
    }
    try {
      if (Files.size(file) > MAX_BYTES) {
        throw new DatasetException(
            file
                + " holds "
                + Files.size(file)
                + " bytes; at most "
                + MAX_BYTES
                + " fit into memory as one file: split it");
      }
      return decode(Files.readAllBytes(file), charset);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + file, e);
    }
  }

  private static CsvText decode(byte[] bytes, Charset charset) {
    CharsetDecoder decoder =
        charset
            .newDecoder()
            .onMalformedInput(CodingErrorAction.REPORT)
            .onUnmappableCharacter(CodingErrorAction.REPORT);
    ByteBuffer in = ByteBuffer.wrap(bytes);
    CharBuffer out =
        CharBuffer.allocate(
            (int) Math.min(MAX_BYTES, bytes.length * decoder.maxCharsPerByte() + 1));
    CoderResult result = decoder.decode(in, out, true);
    if (!result.isError()) {
      decoder.flush(out);
    }
    String malformed = "";
    if (result.isError()) {
      int end = Math.min(in.position() + result.length(), bytes.length);
      malformed = HexFormat.ofDelimiter(" ").withUpperCase().formatHex(bytes, in.position(), end);
    }
    String text = out.flip().toString();
    int nul = text.indexOf('\0');
    if (nul >= 0) {
      // Well-formed, but never in text: a file in UTF-16 read as something else, or a binary one.
      text = text.substring(0, nul);
      malformed = "00";
    }
    return new CsvText(text.startsWith("\uFEFF") ? text.substring(1) : text, malformed);
  }

  /** Returns the line (the first is 1) that holds the character at this offset. */
  long lineAt(int offset) {
    long line = 1;
    for (int i = 0; i < offset; i++) {
      if (endsLine(i)) {
        line++;
      }
    }
    return line;
  }

  /** Returns the offset of the first character of a line (the first is 1). */
  int startOf(long line) {
    int offset = 0;
    for (long at = 1; at < line && offset < text.length(); offset++) {
      if (endsLine(offset)) {
        at++;
      }
    }
    return offset;
  }

  /** Says whether this character is the last one of a line that LF, CRLF or CR ends. */
  private boolean endsLine(int offset) {
    char c = text.charAt(offset);
    return c == '\n'
        || (c == '\r' && !(offset + 1 < text.length() && text.charAt(offset + 1) == '\n'));
  }
}
