package io.github.lora4j.examples.pretrain;

import io.github.lora4j.data.TokenizedExample;
import io.github.lora4j.data.Tokenizer;
import io.github.lora4j.examples.world.WorldDocument;
import io.github.lora4j.examples.world.WorldText;
import java.util.ArrayList;
import java.util.List;

/**
 * Sequences of whole documents, as many in each as fit, so that little of a batch is padding.
 *
 * <p>Each document stands between the beginning and the end of sequence. Only the parts that are
 * worth learning carry loss.
 */
final class PackedDocuments {

  private final WorldText source;
  private final Tokenizer tokenizer;
  private final int maxLength;
  private Sequence next;

  PackedDocuments(WorldText source, Tokenizer tokenizer, int maxLength) {
    this.source = source;
    this.tokenizer = tokenizer;
    this.maxLength = maxLength;
    this.next = encode(source.next());
  }

  /** The next {@code count} sequences, none longer than the maximum. */
  List<TokenizedExample> take(int count) {
    List<TokenizedExample> examples = new ArrayList<>(count);
    while (examples.size() < count) {
      Sequence packed = new Sequence();
      while (packed.size() + next.size() <= maxLength) {
        packed.append(next);
        next = encode(source.next());
      }
      examples.add(packed.example());
    }
    return examples;
  }

  private Sequence encode(WorldDocument document) {
    Sequence sequence = new Sequence();
    sequence.add(tokenizer.bosTokenId().orElseThrow(), false);
    for (WorldDocument.Part part : document.parts()) {
      for (int id : tokenizer.encode(part.text(), false)) {
        sequence.add(id, part.learn());
      }
    }
    sequence.add(tokenizer.eosTokenId().orElseThrow(), true);
    if (sequence.size() > maxLength) {
      throw new IllegalStateException(
          "A document has " + sequence.size() + " tokens, more than " + maxLength);
    }
    return sequence;
  }

  private static final class Sequence {
    private final List<Integer> ids = new ArrayList<>();
    private final List<Integer> labels = new ArrayList<>();

    int size() {
      return ids.size();
    }

    void add(int id, boolean learn) {
      ids.add(id);
      labels.add(learn ? id : TokenizedExample.IGNORE_INDEX);
    }

    void append(Sequence other) {
      ids.addAll(other.ids);
      labels.addAll(other.labels);
    }

    TokenizedExample example() {
      return new TokenizedExample(array(ids), array(labels));
    }

    private static int[] array(List<Integer> list) {
      return list.stream().mapToInt(Integer::intValue).toArray();
    }
  }
}
