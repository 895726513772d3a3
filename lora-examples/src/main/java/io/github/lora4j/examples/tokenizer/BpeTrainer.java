package io.github.lora4j.examples.tokenizer;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Learns a byte-level byte-pair encoding: every text can be encoded, and common words are one
 * token.
 *
 * <p>The method is that of Sennrich et al. (2016) over bytes, with the word boundaries and the byte
 * alphabet of GPT-2, as Hugging Face's {@code ByteLevel} pre-tokenizer has them.
 */
public final class BpeTrainer {

  /** Where a merge never crosses: GPT-2's words, each with the space before it. */
  private static final Pattern WORD =
      Pattern.compile(
          "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
          Pattern.UNICODE_CHARACTER_CLASS);

  private BpeTrainer() {}

  /**
   * Learns a vocabulary.
   *
   * @param texts what to learn from
   * @param vocabSize how many tokens it may have: the specials, 256 bytes, and merges
   * @param specialTokens tokens that never come out of ordinary text; they get the first ids
   * @return the vocabulary; smaller than asked for when the texts have nothing more to merge
   */
  public static BpeVocabulary train(
      Iterable<String> texts, int vocabSize, List<String> specialTokens) {
    if (vocabSize < specialTokens.size() + 256) {
      throw new IllegalArgumentException(
          "vocabSize must have room for "
              + specialTokens.size()
              + " special tokens and 256 bytes, but is "
              + vocabSize);
    }
    Map<String, Integer> ids = new LinkedHashMap<>();
    specialTokens.forEach(token -> ids.put(token, ids.size()));
    for (int b = 0; b < 256; b++) {
      ids.put(String.valueOf(ByteAlphabet.charOf(b)), ids.size());
    }
    List<Word> words = words(texts);
    List<Pair> merges = new ArrayList<>();
    while (ids.size() < vocabSize) {
      Pair best = mostFrequent(words);
      if (best == null) {
        break;
      }
      merges.add(best);
      ids.putIfAbsent(best.joined(), ids.size());
      words.forEach(word -> word.merge(best));
    }
    return new BpeVocabulary(
        ids,
        merges.stream().map(pair -> List.of(pair.left(), pair.right())).toList(),
        specialTokens);
  }

  private static List<Word> words(Iterable<String> texts) {
    Map<String, Integer> counts = new TreeMap<>();
    for (String text : texts) {
      Matcher matcher = WORD.matcher(text);
      while (matcher.find()) {
        counts.merge(ByteAlphabet.encode(matcher.group()), 1, Integer::sum);
      }
    }
    List<Word> words = new ArrayList<>(counts.size());
    counts.forEach((text, count) -> words.add(new Word(text, count)));
    return words;
  }

  /** The pair that occurs most often, the alphabetically first of equals; null when none does. */
  private static @org.jspecify.annotations.Nullable Pair mostFrequent(List<Word> words) {
    Map<Pair, Integer> counts = new HashMap<>();
    for (Word word : words) {
      for (int i = 0; i + 1 < word.parts.size(); i++) {
        counts.merge(new Pair(word.parts.get(i), word.parts.get(i + 1)), word.count, Integer::sum);
      }
    }
    Pair best = null;
    int most = 1; // what occurs once is not worth a token
    for (Map.Entry<Pair, Integer> entry : counts.entrySet()) {
      int count = entry.getValue();
      if (count > most || (count == most && best != null && entry.getKey().before(best))) {
        best = entry.getKey();
        most = count;
      }
    }
    return best;
  }

  private record Pair(String left, String right) {
    String joined() {
      return left + right;
    }

    boolean before(Pair other) {
      int order = left.compareTo(other.left);
      return order < 0 || (order == 0 && right.compareTo(other.right) < 0);
    }
  }

  private static final class Word {
    private final List<String> parts = new ArrayList<>();
    private final int count;

    Word(String text, int count) {
      text.chars().forEach(c -> parts.add(String.valueOf((char) c)));
      this.count = count;
    }

    void merge(Pair pair) {
      for (int i = 0; i + 1 < parts.size(); i++) {
        if (parts.get(i).equals(pair.left()) && parts.get(i + 1).equals(pair.right())) {
          parts.set(i, pair.joined());
          parts.remove(i + 1);
        }
      }
    }
  }
}
