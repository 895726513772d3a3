package io.github.lora4j.text;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;

/** Makes the strings of make_tokenizer_strings.py, and hashes as it does. */
final class TextRecipe {

  private static final int BYTES = 3;

  private final List<String> samples;
  private final List<String> spaces;
  private final List<String> special;
  private final List<List<int[]>> ranges = new ArrayList<>();
  private long state;

  private TextRecipe(JsonNode recipe) {
    state = recipe.path("seed").asLong();
    samples = texts(recipe.path("samples"));
    spaces = texts(recipe.path("spaces"));
    special = texts(recipe.path("special"));
    for (String text : texts(recipe.path("ranges"))) {
      List<int[]> pairs = new ArrayList<>();
      for (String pair : text.split(" ", -1)) {
        pairs.add(pair.codePoints().toArray());
      }
      ranges.add(pairs);
    }
  }

  private static List<String> texts(JsonNode list) {
    List<String> texts = new ArrayList<>();
    list.forEach(text -> texts.add(text.asText()));
    return texts;
  }

  static List<String> texts(JsonNode recipe, int count) {
    TextRecipe maker = new TextRecipe(recipe);
    List<String> texts = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      texts.add(maker.text());
    }
    return texts;
  }

  private int next(int bound) {
    state = state * 6364136223846793005L + 1442695040888963407L;
    return (int) ((state >>> 33) % bound);
  }

  private <T> T pick(List<T> choices) {
    return choices.get(next(choices.size()));
  }

  private String text() {
    StringBuilder text = new StringBuilder();
    int parts = next(7);
    for (int i = 0; i < parts; i++) {
      text.append(part());
    }
    return text.toString();
  }

  private String part() {
    int kind = next(8);
    if (kind < 2) {
      return pick(samples);
    }
    if (kind == 2) {
      return pick(spaces).repeat(1 + next(7));
    }
    if (kind == 3) {
      return pick(special);
    }
    List<int[]> pairs = pick(ranges);
    StringBuilder characters = new StringBuilder();
    int count = 1 + next(9);
    for (int i = 0; i < count; i++) {
      int[] pair = pick(pairs);
      characters.appendCodePoint(pair[0] + next(pair[1] - pair[0] + 1));
    }
    return characters.toString();
  }

  /** Returns the hashes that are packed in a field. */
  static int[] unpack(JsonNode field) {
    byte[] bytes = Base64.getDecoder().decode(field.asText());
    int[] hashes = new int[bytes.length / BYTES];
    for (int i = 0; i < hashes.length; i++) {
      int at = i * BYTES;
      hashes[i] = (bytes[at] & 0xff) | (bytes[at + 1] & 0xff) << 8 | (bytes[at + 2] & 0xff) << 16;
    }
    return hashes;
  }

  static int hash(String text) {
    return hash(text.getBytes(StandardCharsets.UTF_8));
  }

  static int hash(int[] ids) {
    byte[] bytes = new byte[ids.length * Integer.BYTES];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) (ids[i / Integer.BYTES] >>> (i % Integer.BYTES * Byte.SIZE));
    }
    return hash(bytes);
  }

  private static int hash(byte[] data) {
    int value = 0x811C9DC5;
    for (byte next : data) {
      value = (value ^ (next & 0xff)) * 0x01000193;
    }
    return (value ^ (value >>> 24)) & 0xffffff;
  }
}
