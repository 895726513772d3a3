package io.github.lora4j.nn;

import io.github.lora4j.tensor.CustomFunction;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.function.Consumer;

/**
 * What stands between the projections of attention: rotation, scores, softmax, mixing of values,
 * over sequences without padding. It keeps turned queries, keys and values, no scores.
 */
final class CausalAttention {

  private final AttentionShape shape;
  private final QkvLayout layout;
  private final HeadTurn queryTurn;
  private final HeadTurn keyTurn;
  private final CausalSequences sequences;

  /**
   * Prepares the attention of a layer.
   *
   * @param layout of what it is applied to
   * @param rotation of the positions of the row, where there is one
   */
  CausalAttention(
      AttentionShape shape,
      QkvLayout layout,
      Optional<RotaryEmbedding.Rotation> rotation,
      CausalSequences sequences) {
    this.shape = shape;
    this.layout = layout;
    this.queryTurn = HeadTurn.of(rotation, shape.scale());
    this.keyTurn = HeadTurn.of(rotation, 1);
    this.sequences = sequences;
  }

  /**
   * Mixes values.
   *
   * @param projected {@code [1, seq, features]}: three tensors or one
   * @return {@code [1, seq, heads * headDim]}
   */
  Tensor apply(List<Tensor> projected) {
    try (TensorScope scope = TensorScope.open();
        CustomFunction call = CustomFunction.of(projected.toArray(Tensor[]::new))) {
      QkvLayout.Heads heads = layout.heads(projected, shape);
      Tensor queries = call.save(byHead(heads.queries(), queryTurn::into));
      Tensor keys = call.save(byHead(heads.keys(), keyTurn::into));
      Tensor values = call.save(byHead(heads.values(), Tensor::copyInPlace));
      HeadTurn keptQueryTurn = queryTurn.map(call::save);
      HeadTurn keptKeyTurn = keyTurn.map(call::save);
      List<long[]> shapes = projected.stream().map(Tensor::shape).toList();
      Tensor mixed = Tensor.empty(queries.dtype(), queries.device(), queries.shape());
      forEachRun(part -> products(part, queries, keys, values).forwardInto(part.of(mixed)));
      return scope.handOver(
          call.returns(
              joined(mixed),
              (dy, inputs) -> {
                Tensor dMixed = byHead(split(dy), Tensor::copyInPlace);
                Tensor dq = Tensor.empty(dy.dtype(), dy.device(), queries.shape());
                Tensor dk = Tensor.empty(dy.dtype(), dy.device(), keys.shape());
                Tensor dv = Tensor.empty(dy.dtype(), dy.device(), values.shape());
                forEachRun(
                    part ->
                        products(part, queries, keys, values)
                            .backwardInto(part.of(dq), part.of(dk), part.of(dv), part.of(dMixed)));
                List<Tensor> gradients = new ArrayList<>();
                shapes.forEach(
                    given -> gradients.add(Tensor.empty(dy.dtype(), dy.device(), given)));
                QkvLayout.Heads targets = layout.heads(gradients, shape);
                keptQueryTurn.backInto(row(targets.queries()), byPosition(dq));
                keptKeyTurn.backInto(row(targets.keys()), byPosition(dk));
                row(targets.values()).copyInPlace(byPosition(dv));
                for (int i = 0; i < gradients.size(); i++) {
                  inputs.add(i, gradients.get(i));
                }
              }));
    }
  }

  private CausalProducts products(Run part, Tensor queries, Tensor keys, Tensor values) {
    return new CausalProducts(part.of(queries), part.of(keys), part.of(values), sequences, shape);
  }

  /** {@code [1, seq, heads * headDim]} as {@code [1, seq, kvHeads, group, headDim]}. */
  private Tensor split(Tensor x) {
    return x.view(1, x.size(1), shape.kvHeads(), shape.group(), shape.headDim());
  }

  /** {@code [1, seq, ...]} as {@code [seq, ...]}. */
  private static Tensor row(Tensor x) {
    return x.select(0, 0);
  }

  /** {@code [kvHeads, seq, group, headDim]} as {@code [seq, kvHeads, group, headDim]}, and back. */
  private static Tensor byPosition(Tensor byHead) {
    return byHead.permute(1, 0, 2, 3);
  }

  /** A tensor {@code [kvHeads, seq, group, headDim]}, filled through its view by position. */
  private static Tensor byHead(Tensor heads, BiConsumer<Tensor, Tensor> fill) {
    Tensor source = row(heads);
    Tensor result =
        Tensor.empty(
            source.dtype(),
            source.device(),
            source.size(1),
            source.size(0),
            source.size(2),
            source.size(3));
    fill.accept(byPosition(result), source);
    return result;
  }

  /** Back to {@code [1, seq, heads * headDim]}. */
  private static Tensor joined(Tensor byHead) {
    long features = byHead.size(0) * byHead.size(2) * byHead.size(3);
    Tensor source = byPosition(byHead);
    return Tensor.empty(byHead.dtype(), byHead.device(), source.shape())
        .copyInPlace(source)
        .view(1, byHead.size(1), features);
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
