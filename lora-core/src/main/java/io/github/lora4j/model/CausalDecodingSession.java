package io.github.lora4j.model;

import io.github.lora4j.nn.Attention;
import io.github.lora4j.nn.ForwardContext;
import io.github.lora4j.nn.KvCache;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.NoGrad;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * Decoding with a key-value cache; shorter prompts are padded on the left and the padding is
 * masked.
 *
 * <p>Where the rows grow past a length at which all rotary frequencies change (longrope), the
 * caches are dropped and all tokens are computed again with the new ones, so that the scores are
 * those of a pass without a cache.
 */
final class CausalDecodingSession implements DecodingSession {

  private final CausalLayers layers;
  private final int maxLength; // what stands before the sequences included
  private final int rows;
  private final int prefix; // columns of a prefix, before those of padding
  private final int[] padding; // columns of padding before each row
  private final int[] tokens; // [rows, maxLength], padding and room for a prefix included
  private final double[] borders; // lengths beyond which rotary frequencies are others
  private final List<KvCache> caches = new ArrayList<>();
  private final float[][] logits;
  private Optional<StepDecoder> steps = Optional.empty();
  private int length;
  private boolean closed;

  CausalDecodingSession(CausalLayers layers, int[][] given, int longestText) {
    this.layers = layers;
    this.rows = given.length;
    this.prefix = layers.decoder().prefixLength();
    this.maxLength = longestText + prefix + layers.decoder().virtualTokens();
    this.padding = new int[rows];
    this.logits = new float[rows][0];
    this.borders =
        layers.spec().rotaryEmbeddings().stream()
            .flatMapToDouble(rotary -> rotary.scaling().switchesBeyond().stream())
            .toArray();
    int longest = 0;
    for (int row = 0; row < rows; row++) {
      if (given[row].length == 0) {
        throw new IllegalArgumentException(
            "prompts[" + row + "]: expected at least one token, found none");
      }
      ModelInputs.requireKnown(given[row], layers.spec().vocabSize());
      longest = Math.max(longest, given[row].length);
    }
    if (rows == 0 || longest > longestText) {
      throw new IllegalArgumentException(
          "prompts: expected at least one row and at most "
              + longestText
              + " tokens in each, found "
              + rows
              + " rows and "
              + longest
              + " tokens");
    }
    int[][] prompts = withVirtualTokens(given);
    longest += layers.decoder().virtualTokens();
    this.tokens = new int[Math.multiplyExact(rows, maxLength)];
    for (int row = 0; row < rows; row++) {
      int start = row * maxLength + prefix;
      padding[row] = longest - prompts[row].length;
      // Any id will do for padding: nothing looks at it.
      Arrays.fill(tokens, start, start + padding[row], prompts[row][0]);
      System.arraycopy(prompts[row], 0, tokens, start + padding[row], prompts[row].length);
    }
    try {
      startAt(prefix + longest);
    } catch (RuntimeException | Error e) {
      close();
      throw e;
    }
  }

  private int[][] withVirtualTokens(int[][] prompts) {
    int[] virtual =
        IntStream.range(0, layers.decoder().virtualTokens())
            .map(k -> layers.spec().vocabSize() + k)
            .toArray();
    return Arrays.stream(prompts)
        .map(prompt -> IntStream.concat(Arrays.stream(virtual), Arrays.stream(prompt)).toArray())
        .toArray(int[][]::new);
  }

  private void beginWithPrefix() {
    if (prefix == 0) {
      return;
    }
    for (int layer = 0; layer < caches.size(); layer++) {
      try (TensorScope scope = TensorScope.open();
          NoGrad noGrad = NoGrad.open()) {
        Attention attention = layers.decoder().blocks().get(layer).attention();
        long headDim = attention.shape().headDim();
        Tensor like =
            Tensor.zeros(layers.decoder().dtype(), layers.decoder().device(), 1)
                .expand(rows, attention.shape().kvHeads(), 1, headDim);
        KvCache.Entries entries =
            attention.prefix().orElseThrow().entries(like, ForwardContext.eval());
        caches.get(layer).append(entries.keys(), entries.values());
      }
    }
    length = prefix;
  }

  @Override
  public float[][] logits() {
    requireOpen();
    return logits;
  }

  @Override
  public void append(int[] next) {
    requireOpen();
    if (next.length != rows) {
      throw new IllegalArgumentException(
          "tokens: expected one for each of " + rows + " rows, found " + next.length);
    }
    if (length >= maxLength) {
      throw new IllegalStateException(
          "The rows have their greatest length, "
              + (maxLength - prefix - layers.decoder().virtualTokens())
              + " tokens.");
    }
    ModelInputs.requireKnown(next, layers.spec().vocabSize());
    for (int row = 0; row < rows; row++) {
      tokens[row * maxLength + length] = next[row];
    }
    forward(1);
  }

  /**
   * Computes {@code seq} more columns of {@link #tokens}, and those before if they no longer fit.
   */
  private void forward(int seq) {
    if (frequenciesChange(length + seq)) {
      startAt(length + seq);
    } else {
      compute(seq);
    }
  }

  private boolean frequenciesChange(int newLength) {
    return Arrays.stream(borders).anyMatch(border -> length <= border && newLength > border);
  }

  private void startAt(int newLength) {
    forget();
    for (int i = 0; i < layers.spec().numHiddenLayers(); i++) {
      caches.add(new KvCache(maxLength));
    }
    length = 0;
    beginWithPrefix();
    compute(newLength - length);
    if (length < maxLength && isStep(1)) {
      takeSteps();
    }
  }

  private void takeSteps() {
    try (NoGrad noGrad = NoGrad.open()) {
      steps = StepDecoder.of(layers, caches, rows, maxLength);
    }
    if (steps.isPresent()) {
      caches.forEach(KvCache::close);
      caches.clear();
    }
  }

  /** Whether single tokens go through {@link StepDecoder}. */
  boolean takesSteps() {
    return steps.isPresent();
  }

  private void forget() {
    steps.ifPresent(StepDecoder::close);
    steps = Optional.empty();
    caches.forEach(KvCache::close);
    caches.clear();
  }

  private void compute(int seq) {
    Device device = layers.decoder().device();
    try (TensorScope scope = TensorScope.open();
        NoGrad noGrad = NoGrad.open()) {
      Tensor ids = ModelInputs.ids(columns(seq), rows, seq, device);
      if (steps.isPresent()) {
        put(steps.get().step(ids, positions(seq, device), length, padding));
        length += seq;
        return;
      }
      Tensor hidden =
          layers
              .decoder()
              .forward(
                  ids,
                  positions(seq, device),
                  isStep(seq) ? new Attention.FromColumn(padding) : earlier(seq, device),
                  caches,
                  ForwardContext.eval());
      Tensor last = hidden.narrow(1, seq - 1, 1);
      put(layers.logits(last, ForwardContext.eval()).toFloatArray());
    }
    length += seq;
  }

  private void put(float[] scores) {
    int vocab = scores.length / rows;
    for (int row = 0; row < rows; row++) {
      if (logits[row].length != vocab) {
        logits[row] = new float[vocab];
      }
      System.arraycopy(scores, row * vocab, logits[row], 0, vocab);
    }
  }

  /** The next columns of all rows. */
  private int[] columns(int seq) {
    int[] ids = new int[rows * seq];
    for (int row = 0; row < rows; row++) {
      System.arraycopy(tokens, row * maxLength + length, ids, row * seq, seq);
    }
    return ids;
  }

  /** Whether this is one more token, with nothing between its row's first column and padding. */
  private boolean isStep(int seq) {
    boolean padded = Arrays.stream(padding).anyMatch(columns -> columns > 0);
    return seq == 1 && length > 0 && !(prefix > 0 && padded);
  }

  private Attention.Visible earlier(int seq, Device device) {
    int columns = length + seq;
    Optional<Tensor> blocked = AttentionMasks.padding(mask(columns), rows, columns, device);
    return new Attention.AllBut(AttentionMasks.causal(length, seq, blocked, device));
  }

  private int[] mask(int columns) {
    int[] mask = new int[rows * columns];
    Arrays.fill(mask, 1);
    for (int row = 0; row < rows; row++) {
      int first = row * columns + prefix;
      Arrays.fill(mask, first, first + padding[row], 0);
    }
    return mask;
  }

  private Tensor positions(int seq, Device device) {
    long[] positions = new long[rows * seq];
    for (int row = 0; row < rows; row++) {
      for (int i = 0; i < seq; i++) {
        positions[row * seq + i] = Math.max(prefix, length + i - padding[row]);
      }
    }
    return Tensor.of(positions, rows, seq).to(device);
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException("This decoding session is closed.");
    }
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      forget();
    }
  }
}
