package io.github.lora4j.generate;

import io.github.lora4j.model.DecodingSession;
import io.github.lora4j.model.NextTokenModel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A small language model that counts which token followed the last few: its logits are the
 * logarithms of the counts behind the longest context that it saw, a little for every other token.
 */
final class NgramModel implements NextTokenModel {

  private static final float UNSEEN = -6;

  private final int vocabSize;
  private final int order;
  private final int maxPositionEmbeddings;
  private final Map<List<Integer>, Map<Integer, Integer>> counts = new HashMap<>();
  private final List<Session> sessions = new ArrayList<>();

  NgramModel(int vocabSize, int order, int maxPositionEmbeddings) {
    this.vocabSize = vocabSize;
    this.order = order;
    this.maxPositionEmbeddings = maxPositionEmbeddings;
  }

  /** A model that has read these texts as bytes, each with a beginning and an end. */
  static NgramModel ofBytes(String... texts) {
    ByteTokenizer tokenizer = new ByteTokenizer();
    NgramModel model = new NgramModel(tokenizer.vocabSize(), 8, 400);
    for (String text : texts) {
      int[] ids = tokenizer.encode(text, true);
      int[] ended = Arrays.copyOf(ids, ids.length + 1);
      ended[ids.length] = ByteTokenizer.EOS;
      model.read(ended);
    }
    return model;
  }

  /** Learns from a sequence of tokens. */
  void read(int... ids) {
    List<Integer> tokens = Arrays.stream(ids).boxed().toList();
    for (int end = 0; end < tokens.size(); end++) {
      for (int length = 0; length <= Math.min(order, end); length++) {
        counts
            .computeIfAbsent(tokens.subList(end - length, end), context -> new HashMap<>())
            .merge(tokens.get(end), 1, Integer::sum);
      }
    }
  }

  /** Every session that was started, in order. */
  List<Session> sessions() {
    return sessions;
  }

  @Override
  public DecodingSession startDecoding(int[][] prompts, int maxLength) {
    Session session = new Session(prompts, maxLength);
    sessions.add(session);
    return session;
  }

  @Override
  public int maxPositionEmbeddings() {
    return maxPositionEmbeddings;
  }

  private float[] logits(List<Integer> tokens) {
    float[] logits = new float[vocabSize];
    Arrays.fill(logits, UNSEEN);
    for (int length = Math.min(order, tokens.size()); length >= 0; length--) {
      Map<Integer, Integer> next =
          counts.get(tokens.subList(tokens.size() - length, tokens.size()));
      if (next != null) {
        next.forEach((id, count) -> logits[id] = (float) Math.log(count));
        break;
      }
    }
    return logits;
  }

  final class Session implements DecodingSession {
    private final List<List<Integer>> rows = new ArrayList<>();
    private final int maxLength;
    private boolean closed;

    private Session(int[][] prompts, int maxLength) {
      for (int[] prompt : prompts) {
        rows.add(new ArrayList<>(Arrays.stream(prompt).boxed().toList()));
      }
      this.maxLength = maxLength;
    }

    List<Integer> row(int index) {
      return rows.get(index);
    }

    int maxLength() {
      return maxLength;
    }

    boolean closed() {
      return closed;
    }

    @Override
    public float[][] logits() {
      return rows.stream().map(NgramModel.this::logits).toArray(float[][]::new);
    }

    @Override
    public void append(int[] tokens) {
      if (closed || tokens.length != rows.size()) {
        throw new IllegalStateException("closed, or not one token per row");
      }
      for (int i = 0; i < tokens.length; i++) {
        rows.get(i).add(tokens[i]);
        if (rows.get(i).size() > maxLength) {
          throw new IllegalStateException("row " + i + " is longer than " + maxLength);
        }
      }
    }

    @Override
    public void close() {
      closed = true;
    }
  }
}
