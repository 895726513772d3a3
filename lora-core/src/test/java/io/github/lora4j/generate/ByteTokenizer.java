package io.github.lora4j.generate;

import io.github.lora4j.data.Tokenizer;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.OptionalInt;

/**
 * A tokenizer whose tokens are the bytes of UTF-8, as byte-level BPE before any merge: every
 * character that isn't ASCII is spread over two to four tokens.
 */
final class ByteTokenizer implements Tokenizer {

  static final int BOS = 256;
  static final int EOS = 257;
  static final int PAD = 258;

  @Override
  public int[] encode(String text, boolean addSpecialTokens) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    int offset = addSpecialTokens ? 1 : 0;
    int[] ids = new int[bytes.length + offset];
    if (addSpecialTokens) {
      ids[0] = BOS;
    }
    for (int i = 0; i < bytes.length; i++) {
      ids[i + offset] = Byte.toUnsignedInt(bytes[i]);
    }
    return ids;
  }

  @Override
  public String decode(int[] ids, boolean skipSpecialTokens) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    for (int id : ids) {
      if (id < BOS) {
        bytes.write(id);
      } else if (!skipSpecialTokens) {
        bytes.writeBytes(("<" + id + ">").getBytes(StandardCharsets.UTF_8));
      }
    }
    return bytes.toString(StandardCharsets.UTF_8);
  }

  @Override
  public int vocabSize() {
    return 259;
  }

  @Override
  public OptionalInt tokenId(String token) {
    return token.length() == 1 && token.charAt(0) < 128
        ? OptionalInt.of(token.charAt(0))
        : OptionalInt.empty();
  }

  @Override
  public OptionalInt bosTokenId() {
    return OptionalInt.of(BOS);
  }

  @Override
  public OptionalInt eosTokenId() {
    return OptionalInt.of(EOS);
  }

  @Override
  public OptionalInt padTokenId() {
    return OptionalInt.of(PAD);
  }

  @Override
  public void close() {}
}
