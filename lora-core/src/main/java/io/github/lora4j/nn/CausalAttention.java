package io.github.lora4j.nn;

import io.github.lora4j.tensor.CustomFunction;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.function.Consumer;

/**
 * What stands between the projections of attention: rotation, scores, softmax, mixing of values,
 * over sequences without padding. It keeps turned queries, keys and values, no scores.
 */
final class CausalAttention {

  private final RotaryEmbedding.Scaled keyRotation;
  private final RotaryEmbedding.Scaled queryRotation;
  private final CausalSequences sequences;
  private final int kvHeads;
  private final int headDim;

  /**
   * Prepares the attention of a layer.
   *
   * @param rotation of the positions of the row
   */
  CausalAttention(
      RotaryEmbedding.Rotation rotation,
      CausalSequences sequences,
      int kvHeads,
      int headDim,
      double scale) {
    this.keyRotation = rotation.scaled(1);
    this.queryRotation = rotation.scaled(scale);
    this.sequences = sequences;
    this.kvHeads = kvHeads;
    this.headDim = headDim;
  }

  /**
   * Mixes values.
   *
   * @param q {@code [1, seq, heads * headDim]}
   * @param k {@code [1, seq, kvHeads * headDim]}
   * @param v {@code [1, seq, kvHeads * headDim]}
   * @return {@code [1, seq, heads * headDim]}
   */
  Tensor apply(Tensor q, Tensor k, Tensor v) {
    try (TensorScope scope = TensorScope.open();
        CustomFunction call = CustomFunction.of(q, k, v)) {
      Tensor queries = call.save(byHead(q, target -> queryRotation.turnInto(target, split(q))));
      Tensor keys = call.save(byHead(k, target -> keyRotation.turnInto(target, split(k))));
      Tensor values = call.save(byHead(v, target -> target.copyInPlace(split(v))));
      RotaryEmbedding.Scaled keptQueryRotation = queryRotation.map(call::save);
      RotaryEmbedding.Scaled keptKeyRotation = keyRotation.map(call::save);
      Tensor mixed = Tensor.empty(q.dtype(), q.device(), queries.shape());
      forEachRun(
          (part) ->
              new CausalProducts(part.of(queries), part.of(keys), part.of(values), sequences)
                  .forwardInto(part.of(mixed)));
      return scope.handOver(
          call.returns(
              joined(mixed),
              (dy, inputs) -> {
                Tensor dMixed = byHead(dy, target -> target.copyInPlace(split(dy)));
                Tensor dq = Tensor.empty(dy.dtype(), dy.device(), queries.shape());
                Tensor dk = Tensor.empty(dy.dtype(), dy.device(), keys.shape());
                Tensor dv = Tensor.empty(dy.dtype(), dy.device(), values.shape());
                forEachRun(
                    part ->
                        new CausalProducts(
                                part.of(queries), part.of(keys), part.of(values), sequences)
                            .backwardInto(part.of(dq), part.of(dk), part.of(dv), part.of(dMixed)));
                inputs.add(0, turnedBack(dq, keptQueryRotation));
                inputs.add(1, turnedBack(dk, keptKeyRotation));
                inputs.add(2, joined(dv));
              }));
    }
  }

  /** {@code [1, seq, heads * headDim]} as {@code [seq, kvHeads, group, headDim]}. */
  private Tensor split(Tensor x) {
    return x.view(x.size(1), kvHeads, x.size(2) / ((long) kvHeads * headDim), headDim);
  }

  /** A tensor {@code [kvHeads, seq, group, headDim]}, filled through its view in split order. */
  private Tensor byHead(Tensor x, Consumer<Tensor> fill) {
    long group = x.size(2) / ((long) kvHeads * headDim);
    Tensor result = Tensor.empty(x.dtype(), x.device(), kvHeads, x.size(1), group, headDim);
    fill.accept(result.permute(1, 0, 2, 3));
    return result;
  }

  /** Back to {@code [1, seq, heads * headDim]}. */
  private static Tensor joined(Tensor byHead) {
    return byHead
        .permute(1, 0, 2, 3)
        .reshape(1, byHead.size(1), byHead.size(0) * byHead.size(2) * byHead.size(3));
  }

  private static Tensor turnedBack(Tensor byHead, RotaryEmbedding.Scaled rotation) {
    Tensor source = byHead.permute(1, 0, 2, 3);
    Tensor result = Tensor.empty(byHead.dtype(), byHead.device(), source.shape());
    rotation.turnBackInto(result, source);
    return result.view(1, byHead.size(1), byHead.size(0) * byHead.size(2) * byHead.size(3));
  }

  /** A stretch of the row that is computed at once. */
  private record Run(int start, int length, int count) {

    /**
     * {@code [kvHeads, seq, group, headDim]} as {@code [kvHeads * count, length * group, headDim]}.
     */
    Tensor of(Tensor byHead) {
      long heads = byHead.size(0);
      long group = byHead.size(2);
      long headDim = byHead.size(3);
      return count == 1
          ? byHead.narrow(1, start, length).view(heads, length * group, headDim)
          : byHead.view(heads * count, length * group, headDim);
    }
  }

  private void forEachRun(Consumer<Run> action) {
    int[] lengths = sequences.lengths();
    if (sequences.isUniform()) {
      action.accept(new Run(0, lengths[0], lengths.length));
      return;
    }
    int start = 0;
    for (int length : lengths) {
      try (TensorScope scope = TensorScope.open()) {
        action.accept(new Run(start, length, 1));
      }
      start += length;
    }
  }
}
