package io.github.lora4j.nn;

import io.github.lora4j.tensor.Tensor;
import java.util.List;

/** How heads lie in what the input projections of attention give. */
public enum QkvLayout {
  /** Three tensors. */
  SEPARATE,
  /** One tensor: all query heads, all key heads, all value heads (GPT-2, Phi-3). */
  CONCATENATED,
  /**
   * One tensor: for each key-value head its query heads, its key head, its value head (GPT-NeoX,
   * Falcon).
   */
  GROUPED;

  /**
   * Views by head.
   *
   * @param queries {@code [batch, seq, kvHeads, group, headDim]}
   * @param keys {@code [batch, seq, kvHeads, 1, headDim]}
   * @param values {@code [batch, seq, kvHeads, 1, headDim]}
   */
  public record Heads(Tensor queries, Tensor keys, Tensor values) {}

  /**
   * Finds the heads.
   *
   * @param projected {@code [batch, seq, features]}: three tensors or one
   * @return views, in the caller's scope
   */
  public Heads heads(List<Tensor> projected, AttentionShape shape) {
    Tensor first = projected.get(0);
    int group = shape.group();
    return switch (this) {
      case SEPARATE ->
          new Heads(
              split(first, group, shape),
              split(projected.get(1), 1, shape),
              split(projected.get(2), 1, shape));
      case CONCATENATED -> {
        long queries = (long) shape.heads() * shape.headDim();
        long keys = (long) shape.kvHeads() * shape.headDim();
        yield new Heads(
            split(first.narrow(-1, 0, queries), group, shape),
            split(first.narrow(-1, queries, keys), 1, shape),
            split(first.narrow(-1, queries + keys, keys), 1, shape));
      }
      case GROUPED -> {
        Tensor all = split(first, group + 2, shape);
        yield new Heads(
            all.narrow(3, 0, group), all.narrow(3, group, 1), all.narrow(3, group + 1, 1));
      }
    };
  }

  /**
   * Copies the heads of one position.
   *
   * @param projected row-major {@code [rows, features]}: three arrays or one
   * @param q takes {@code [heads, headDim]}
   * @param k takes {@code [kvHeads, headDim]}
   * @param v takes the same
   */
  void copyHeads(
      List<float[]> projected, int row, AttentionShape shape, float[] q, float[] k, float[] v) {
    float[] first = projected.get(0);
    switch (this) {
      case SEPARATE -> {
        System.arraycopy(first, row * q.length, q, 0, q.length);
        System.arraycopy(projected.get(1), row * k.length, k, 0, k.length);
        System.arraycopy(projected.get(2), row * v.length, v, 0, v.length);
      }
      case CONCATENATED -> {
        int start = row * (q.length + k.length + v.length);
        System.arraycopy(first, start, q, 0, q.length);
        System.arraycopy(first, start + q.length, k, 0, k.length);
        System.arraycopy(first, start + q.length + k.length, v, 0, v.length);
      }
      case GROUPED -> {
        int headDim = shape.headDim();
        int queries = shape.group() * headDim;
        int start = row * (q.length + k.length + v.length);
        for (int head = 0; head < shape.kvHeads(); head++) {
          System.arraycopy(first, start, q, head * queries, queries);
          System.arraycopy(first, start + queries, k, head * headDim, headDim);
          System.arraycopy(first, start + queries + headDim, v, head * headDim, headDim);
          start += queries + 2 * headDim;
        }
      }
    }
  }

  private static Tensor split(Tensor x, int perKvHead, AttentionShape shape) {
    return x.view(x.size(0), x.size(1), shape.kvHeads(), perKvHead, shape.headDim());
  }
}
