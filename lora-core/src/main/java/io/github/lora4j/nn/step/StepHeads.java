package io.github.lora4j.nn.step;

import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.RowBlocks;
import io.github.lora4j.tensor.RowMath;
import java.util.Arrays;
import java.util.OptionalDouble;

/** The attention of one position of one key-value head, by its query heads at once. */
public final class StepHeads implements AutoCloseable {

  /** Positions that one product covers: few different sizes, since each is compiled once. */
  private static final int STRETCH = 256;

  private final StepCache cache;
  private final int group;
  private final int headDim;
  private final float scale;
  private final OptionalDouble softcap;
  private final RowBlocks scoring;
  private final RowBlocks mixing;
  private final float[] scores; // [positions, group]
  private final float[] weights; // of one head
  private final float[] sums; // [headDim, group]

  /** Heads over a cache. */
  public StepHeads(
      StepCache cache, DType dtype, int group, int headDim, float scale, OptionalDouble softcap) {
    this.cache = cache;
    this.group = group;
    this.headDim = headDim;
    this.scale = scale;
    this.softcap = softcap;
    this.scoring = new RowBlocks(dtype, group, headDim, cache.capacity());
    this.mixing = new RowBlocks(dtype, group, cache.capacity(), headDim);
    this.scores = new float[cache.capacity() * group];
    this.weights = new float[cache.capacity()];
    this.sums = new float[headDim * group];
  }

  /**
   * Puts a position into the cache and mixes the values that it sees.
   *
   * @param first the first position that it sees
   * @param position its own
   * @param q {@code [heads, headDim]}
   * @param k {@code [kvHeads, headDim]}
   * @param v the same
   * @param mixed takes {@code [group, headDim]}
   */
  public void attend(
      int row,
      int kvHead,
      int first,
      int position,
      float[] q,
      float[] k,
      float[] v,
      float[] mixed) {
    cache.put(row, kvHead, position, k, v);
    int start = first / StepCache.BLOCK * StepCache.BLOCK;
    int end = (position / StepCache.BLOCK + 1) * StepCache.BLOCK;
    cache.readAhead(row, kvHead, start, end);
    int heads = kvHead * group * headDim;
    for (int i = 0; i < group; i++) {
      scoring.column(i, q, heads + i * headDim, headDim);
    }
    for (int from = start; from < end; from += STRETCH) {
      int count = Math.min(STRETCH, end - from);
      scoring.multiply(
          cache.keys(row, kvHead, from), headDim, count, headDim, 0, from - start, false);
    }
    scoring.result(scores, end - start);
    for (int i = 0; i < group; i++) {
      softmax(i, first - start, position + 1 - start, end - start);
      mixing.column(i, weights, 0, end - start);
    }
    for (int from = start; from < end; from += STRETCH) {
      int count = Math.min(STRETCH, end - from);
      mixing.multiply(
          cache.values(row, kvHead, from),
          cache.capacity(),
          headDim,
          count,
          from - start,
          0,
          from > start);
    }
    mixing.result(sums, headDim);
    for (int i = 0; i < group; i++) {
      int target = i * headDim;
      for (int feature = 0; feature < headDim; feature++) {
        mixed[target + feature] = sums[feature * group + i];
      }
    }
  }

  /** The weights of one head; zero before the first and from {@code to} on. */
  private void softmax(int head, int first, int to, int end) {
    float largest = Float.NEGATIVE_INFINITY;
    for (int key = first; key < to; key++) {
      float score = scores[key * group + head] * scale;
      if (softcap.isPresent()) {
        double cap = softcap.getAsDouble();
        score = (float) (cap * Math.tanh(score / cap));
      }
      weights[key] = score;
      largest = Math.max(largest, score);
    }
    float sum = 0;
    for (int key = first; key < to; key++) {
      float weight = RowMath.exp(weights[key] - largest);
      weights[key] = weight;
      sum += weight;
    }
    float inverse = 1 / sum;
    for (int key = first; key < to; key++) {
      weights[key] *= inverse;
    }
    Arrays.fill(weights, 0, first, 0);
    Arrays.fill(weights, to, end, 0);
  }

  @Override
  public void close() {
    scoring.close();
    mixing.close();
  }
}
