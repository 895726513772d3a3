package io.github.lora4j.generate;

import io.github.lora4j.model.DecodingSession;
import io.github.lora4j.model.NextTokenModel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Lets all rows of a batch grow token by token until each is finished. */
final class GenerationLoop {

  private static final Logger LOG = LoggerFactory.getLogger(GenerationLoop.class);

  /** Hears of each new token but the ones that mean the end of the sequence. */
  interface Listener {
    /** Returns whether the row's text now holds a stop string, so that it is finished. */
    boolean onToken(int row, int tokenId);
  }

  /** The new tokens of a row, an end-of-sequence token included, and why they ended. */
  record Sequence(int[] tokenIds, FinishReason finishReason) {}

  private final NextTokenModel model;
  private final GenerationConfig config;
  private final int[] eosTokenIds;
  private final int padTokenId;

  GenerationLoop(NextTokenModel model, GenerationConfig config, int[] eosTokenIds, int padTokenId) {
    this.model = model;
    this.config = config;
    this.eosTokenIds = eosTokenIds;
    this.padTokenId = padTokenId;
  }

  List<Sequence> run(int[][] prompts, Listener listener) {
    if (prompts.length == 0) {
      return List.of();
    }
    int longest = checkPrompts(prompts);
    List<Row> rows = rows(prompts);
    try (DecodingSession session = model.startDecoding(prompts, longest + config.maxNewTokens())) {
      while (true) {
        int[] next = step(rows, session.logits(), listener);
        if (rows.stream().allMatch(Row::finished)) {
          break;
        }
        session.append(next);
      }
    }
    return rows.stream().map(Row::sequence).toList();
  }

  private int[] step(List<Row> rows, float[][] logits, Listener listener) {
    if (logits.length != rows.size()) {
      throw new IllegalStateException(
          "the model gave logits for " + logits.length + " rows of " + rows.size());
    }
    int[] next = new int[rows.size()];
    for (int i = 0; i < next.length; i++) {
      Row row = rows.get(i);
      next[i] = row.finished() ? padding(logits[i].length) : grow(row, i, logits[i], listener);
    }
    return next;
  }

  /** A tokenizer's pad token may have been added without the model knowing of it. */
  private int padding(int vocabSize) {
    return padTokenId < vocabSize ? padTokenId : 0;
  }

  private int grow(Row row, int index, float[] logits, Listener listener) {
    int id = row.chooser.next(logits);
    row.add(id);
    if (isEos(id)) {
      row.finishReason = FinishReason.EOS;
    } else if (listener.onToken(index, id)) {
      row.finishReason = FinishReason.STOP_STRING;
    } else if (row.count == config.maxNewTokens()) {
      row.finishReason = FinishReason.LENGTH;
    }
    return id;
  }

  private boolean isEos(int id) {
    for (int eos : eosTokenIds) {
      if (id == eos) {
        return true;
      }
    }
    return false;
  }

  private List<Row> rows(int[][] prompts) {
    LogitProcessor processor = new LogitProcessor(config, eosTokenIds);
    long seed = config.seed().orElseGet(() -> ThreadLocalRandom.current().nextLong());
    if (config.doSample()) {
      LOG.debug("sampling with seed {}", seed);
    }
    Map<List<Integer>, Integer> occurrences = new HashMap<>();
    List<Row> rows = new ArrayList<>();
    for (int[] prompt : prompts) {
      int before = occurrences.merge(Arrays.stream(prompt).boxed().toList(), 1, Integer::sum) - 1;
      RowRandom random = new RowRandom(seed, prompt, before);
      rows.add(new Row(new TokenChooser(config, processor, prompt, random)));
    }
    return rows;
  }

  private int checkPrompts(int[][] prompts) {
    int longest = 0;
    for (int i = 0; i < prompts.length; i++) {
      int length = prompts[i].length;
      if (length == 0) {
        throw new IllegalArgumentException(
            "prompt "
                + i
                + " has no tokens, and a model needs at least one to start from: give it text, or"
                + " a tokenizer that adds a beginning-of-sequence token");
      }
      for (int id : prompts[i]) {
        if (id < 0) {
          throw new IllegalArgumentException("prompt " + i + " holds the token id " + id);
        }
      }
      long needed = (long) length + config.maxNewTokens();
      int available = model.maxPositionEmbeddings();
      if (needed > available) {
        throw new IllegalArgumentException(
            String.format(
                Locale.ROOT,
                "prompt %d has %d tokens, with maxNewTokens=%d that makes %d, but the model has"
                    + " room for %d (max_position_embeddings): %s",
                i,
                length,
                config.maxNewTokens(),
                needed,
                available,
                length < available
                    ? "set maxNewTokens to at most " + (available - length)
                    : "shorten the prompt"));
      }
      longest = Math.max(longest, length);
    }
    return longest;
  }

  private static final class Row {
    private final TokenChooser chooser;
    private int[] tokenIds = new int[16];
    private int count;
    private @Nullable FinishReason finishReason;

    Row(TokenChooser chooser) {
      this.chooser = chooser;
    }

    void add(int id) {
      if (count == tokenIds.length) {
        tokenIds = Arrays.copyOf(tokenIds, 2 * count);
      }
      tokenIds[count++] = id;
    }

    boolean finished() {
      return finishReason != null;
    }

    Sequence sequence() {
      return new Sequence(
          Arrays.copyOf(tokenIds, count), Objects.requireNonNull(finishReason, "finishReason"));
    }
  }
}
