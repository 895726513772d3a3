package io.github.lora4j.nn;

import io.github.lora4j.tensor.RowMath;
import io.github.lora4j.tensor.Rows;
import io.github.lora4j.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The attention of one new position a row, in plain Java over the cache. */
final class RowAttention {

  /** Rows times keys; measured: beyond it products of whole matrices are faster. */
  private static final int MOST = 384;

  private final AttentionShape shape;
  private final QkvLayout layout;
  private final Optional<RotaryEmbedding.Rotation> rotation;
  private final KvCache cache;
  private final int[] firstVisible;

  private RowAttention(
      AttentionShape shape,
      QkvLayout layout,
      Optional<RotaryEmbedding.Rotation> rotation,
      KvCache cache,
      int[] firstVisible) {
    this.shape = shape;
    this.layout = layout;
    this.rotation = rotation;
    this.cache = cache;
    this.firstVisible = firstVisible;
  }

  /** The attention of this pass, if it is one that is faster so. */
  static Optional<RowAttention> of(
      AttentionShape shape,
      QkvLayout layout,
      Optional<RotaryEmbedding.Rotation> rotation,
      Optional<KvCache> cache,
      Attention.Visible visible,
      Tensor projected) {
    return visible instanceof Attention.FromColumn from
            && cache.isPresent()
            && cache.get().isStarted()
            && projected.size(0) * (cache.get().length() + 1) <= MOST
            && projected.size(1) == 1
            && Rows.suits(projected)
        ? Optional.of(new RowAttention(shape, layout, rotation, cache.get(), from.first()))
        : Optional.empty();
  }

  /**
   * Mixes values.
   *
   * @param projected {@code [batch, 1, features]}: three tensors or one
   * @return {@code [batch, 1, heads * headDim]}
   */
  Tensor apply(List<Tensor> projected) {
    List<float[]> values = new ArrayList<>();
    projected.forEach(tensor -> values.add(Rows.read(tensor)));
    RowTurn turn = rotation.map(RowTurn::of).orElse(RowTurn.NONE);
    int headDim = shape.headDim();
    int batch = (int) projected.get(0).size(0);
    float[] q = new float[shape.heads() * headDim];
    float[] k = new float[shape.kvHeads() * headDim];
    float[] v = new float[k.length];
    float[] mixed = new float[batch * q.length];
    int keys = cache.length() + 1;
    float[] seen = new float[keys * headDim];
    float[] scores = new float[keys];
    for (int row = 0; row < batch; row++) {
      layout.copyHeads(values, row, shape, q, k, v);
      turn.apply(q, row, headDim);
      turn.apply(k, row, headDim);
      cache.put(row, k, v);
      int first =
          Math.max(
              firstVisible[row], shape.window().isPresent() ? keys - shape.window().getAsInt() : 0);
      attend(row, first, keys - first, q, mixed, seen, scores);
    }
    cache.advance();
    return Rows.write(mixed, projected.get(0).dtype(), batch, 1, q.length);
  }

  private void attend(
      int row, int first, int count, float[] q, float[] mixed, float[] seen, float[] scores) {
    int headDim = shape.headDim();
    int group = shape.group();
    float[] probabilities = new float[group * count];
    for (int kvHead = 0; kvHead < shape.kvHeads(); kvHead++) {
      cache.readKeys(row, kvHead, first, count, seen);
      for (int i = 0; i < group; i++) {
        score(q, (kvHead * group + i) * headDim, seen, headDim, scores, count);
        softmax(scores, count, probabilities, i * count);
      }
      cache.readValues(row, kvHead, first, count, seen);
      for (int i = 0; i < group; i++) {
        int target = row * q.length + (kvHead * group + i) * headDim;
        mix(mixed, target, seen, headDim, probabilities, i * count, count);
      }
    }
  }

  private static void score(
      float[] q, int query, float[] keys, int headDim, float[] scores, int count) {
    for (int key = 0; key < count; key++) {
      scores[key] = Rows.dot(q, query, keys, key * headDim, headDim);
    }
  }

  /** Four values at a time: the sum is read and written once for them. */
  private static void mix(
      float[] sum, int at, float[] values, int headDim, float[] weights, int from, int count) {
    int key = 0;
    for (; key + 4 <= count; key += 4) {
      addFour(sum, at, values, key * headDim, weights, from + key, headDim);
    }
    for (; key < count; key++) {
      float weight = weights[from + key];
      for (int i = 0; i < headDim; i++) {
        sum[at + i] += weight * values[key * headDim + i];
      }
    }
  }

  private static void addFour(
      float[] sum, int at, float[] values, int first, float[] weights, int from, int headDim) {
    float a = weights[from];
    float b = weights[from + 1];
    float c = weights[from + 2];
    float d = weights[from + 3];
    int second = first + headDim;
    int third = second + headDim;
    int fourth = third + headDim;
    for (int i = 0; i < headDim; i++) {
      sum[at + i] +=
          a * values[first + i]
              + b * values[second + i]
              + c * values[third + i]
              + d * values[fourth + i];
    }
  }

  private void softmax(float[] scores, int count, float[] out, int at) {
    float scale = (float) shape.scale();
    float largest = Float.NEGATIVE_INFINITY;
    for (int key = 0; key < count; key++) {
      float score = scores[key] * scale;
      if (shape.softcap().isPresent()) {
        double cap = shape.softcap().getAsDouble();
        score = (float) (cap * Math.tanh(score / cap));
      }
      scores[key] = score;
      largest = Math.max(largest, score);
    }
    float sum = 0;
    for (int key = 0; key < count; key++) {
      float weight = RowMath.exp(scores[key] - largest);
      out[at + key] = weight;
      sum += weight;
    }
    for (int key = 0; key < count; key++) {
      out[at + key] /= sum;
    }
  }
}
