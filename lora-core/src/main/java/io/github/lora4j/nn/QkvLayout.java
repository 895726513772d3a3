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

  private static Tensor split(Tensor x, int perKvHead, AttentionShape shape) {
    return x.view(x.size(0), x.size(1), shape.kvHeads(), perKvHead, shape.headDim());
  }
}
