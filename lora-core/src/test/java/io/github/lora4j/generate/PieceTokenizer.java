package io.github.lora4j.generate;

import io.github.lora4j.data.Tokenizer;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;

/**
 * A tokenizer that decodes as Llama 2's does: pieces with "▁" for a space, tokens for single bytes
 * of which a whole run becomes U+FFFDs if it isn't valid UTF-8, and the text's first space dropped.
 */
final class PieceTokenizer implements Tokenizer {

  static final List<String> PIECES =
      List.of("▁", "▁the", "▁a", "re", "s", ",", ".", "▁Gru", "ß", "▁😀", "\n", "▁▁", "'s", "▁n");
  static final int FIRST_BYTE = 3;
  static final int FIRST_PIECE = FIRST_BYTE + 256;

  /** Takes the longest piece at each place, and bytes where there is none. */
  @Override
  public int[] encode(String text, boolean addSpecialTokens) {
    List<Integer> ids = new ArrayList<>();
    if (addSpecialTokens) {
      ids.add(1);
    }
    String rest = text.isEmpty() ? "" : ("▁" + text.replace(' ', '▁'));
    while (!rest.isEmpty()) {
      int best = -1;
      for (int i = 0; i < PIECES.size(); i++) {
        if (rest.startsWith(PIECES.get(i))
            && (best < 0 || PIECES.get(i).length() > PIECES.get(best).length())) {
          best = i;
        }
      }
      int length;
      if (best >= 0) {
        ids.add(FIRST_PIECE + best);
        length = PIECES.get(best).length();
      } else {
        length = Character.charCount(rest.codePointAt(0));
        for (byte b : rest.substring(0, length).getBytes(StandardCharsets.UTF_8)) {
          ids.add(FIRST_BYTE + Byte.toUnsignedInt(b));
        }
      }
      rest = rest.substring(length);
    }
    return ids.stream().mapToInt(Integer::intValue).toArray();
  }

  @Override
  public String decode(int[] ids, boolean skipSpecialTokens) {
    StringBuilder text = new StringBuilder();
    ByteArrayOutputStream run = new ByteArrayOutputStream();
    for (int id : ids) {
      if (id >= FIRST_BYTE && id < FIRST_PIECE) {
        run.write(id - FIRST_BYTE);
      } else if (id >= FIRST_PIECE) {
        text.append(endRun(run)).append(PIECES.get(id - FIRST_PIECE).replace('▁', ' '));
      } else if (!skipSpecialTokens) {
        text.append(endRun(run)).append("<").append(id).append(">");
      }
    }
    text.append(endRun(run));
    return text.indexOf(" ") == 0 ? text.substring(1) : text.toString();
  }

  private static String endRun(ByteArrayOutputStream run) {
    byte[] bytes = run.toByteArray();
    run.reset();
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException e) {
      return "\uFFFD".repeat(bytes.length);
    }
  }

  @Override
  public int vocabSize() {
    return FIRST_PIECE + PIECES.size();
  }

  @Override
  public OptionalInt tokenId(String token) {
    int index = PIECES.indexOf(token);
    return index < 0 ? OptionalInt.empty() : OptionalInt.of(FIRST_PIECE + index);
  }

  @Override
  public OptionalInt bosTokenId() {
    return OptionalInt.of(1);
  }

  @Override
  public OptionalInt eosTokenId() {
    return OptionalInt.of(2);
  }

  @Override
  public OptionalInt padTokenId() {
    return OptionalInt.empty();
  }

  @Override
  public void close() {}
}
