package io.github.lora4j.nn;

import io.github.lora4j.nn.step.StepCache;
import io.github.lora4j.nn.step.StepHeads;
import io.github.lora4j.nn.step.StepLinear;
import io.github.lora4j.nn.step.StepNorm;
import io.github.lora4j.nn.step.StepPart;
import io.github.lora4j.tensor.RowInput;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** One thread's part of an attention layer in a decoding step. */
public final class StepAttention implements AutoCloseable {

  private final StepPart part;
  private final List<StepLinear> projections;
  private final List<float[]> projected = new ArrayList<>();
  private final Optional<StepNorm> queryNorm;
  private final Optional<StepNorm> keyNorm;
  private final QkvLayout layout;
  private final AttentionShape shape;
  private final StepLinear o;
  private final StepHeads heads;
  private final float[] mixed; // of one key-value head
  private final RowInput packed;
  private final float[] q;
  private final float[] k;
  private final float[] v;

  private StepAttention(
      StepPart part,
      List<StepLinear> projections,
      Optional<StepNorm> queryNorm,
      Optional<StepNorm> keyNorm,
      Attention attention,
      StepLinear o,
      StepCache cache) {
    this.part = part;
    this.projections = projections;
    this.queryNorm = queryNorm;
    this.keyNorm = keyNorm;
    this.layout = attention.qkv().layout();
    this.shape = attention.shape();
    this.o = o;
    int queries = shape.heads() * shape.headDim();
    int keys = shape.kvHeads() * shape.headDim();
    for (StepLinear projection : projections) {
      projected.add(part.shared("qkv " + projected.size(), part.rows() * projection.outFeatures()));
    }
    this.mixed = part.own("mixed", shape.group() * shape.headDim());
    this.packed = part.sharedInput("mixed", queries);
    this.q = part.own("q", queries);
    this.k = part.own("k", keys);
    this.v = part.own("v", keys);
    this.heads =
        new StepHeads(
            cache,
            part.kernels().dtype(),
            shape.group(),
            shape.headDim(),
            (float) shape.scale(),
            shape.softcap());
  }

  /**
   * A thread's part of a layer.
   *
   * @param cache what all parts have in common
   * @return empty if some of its layers can't be computed so
   */
  static Optional<StepAttention> of(Attention attention, StepPart part, StepCache cache) {
    if (attention.shape().headDim() % 2 != 0) {
      return Optional.empty();
    }
    StepLayers made = new StepLayers(part);
    if (attention.qkv() instanceof QkvProjection.Separate separate) {
      made.add(separate.q()).add(separate.k()).add(separate.v());
    } else if (attention.qkv() instanceof QkvProjection.Fused fused) {
      made.add(fused.qkv());
    }
    made.add(attention.o());
    Optional<StepNorm> queryNorm = attention.norms().flatMap(both -> both.q().step());
    Optional<StepNorm> keyNorm = attention.norms().flatMap(both -> both.k().step());
    if (attention.norms().isPresent() && (queryNorm.isEmpty() || keyNorm.isEmpty())) {
      made.giveUp();
    }
    return made.all()
        .map(
            layers ->
                new StepAttention(
                    part,
                    layers.subList(0, layers.size() - 1),
                    queryNorm,
                    keyNorm,
                    attention,
                    layers.get(layers.size() - 1),
                    cache));
  }

  /**
   * Computes this thread's outputs; the others wait for it inside.
   *
   * @param x packed, {@code [rows, hidden]}
   * @param turn of this layer's position embedding
   * @param position the column that these tokens take
   * @param firstVisible for each row, how many columns at the left are padding
   * @param y takes {@code [rows, hidden]}
   */
  public void apply(RowInput x, RowTurn turn, int position, int[] firstVisible, float[] y) {
    for (int i = 0; i < projections.size(); i++) {
      projections.get(i).apply(x, projected.get(i));
    }
    part.barrier();
    attend(turn, position, firstVisible);
    part.barrier();
    o.apply(packed, y);
  }

  private void attend(RowTurn turn, int position, int[] firstVisible) {
    int kvHeads = shape.kvHeads();
    int units = part.rows() * kvHeads;
    int last = -1;
    for (int unit = part.unitFrom(units); unit < part.unitTo(units); unit++) {
      int row = unit / kvHeads;
      if (row != last) {
        last = row;
        prepare(turn, row);
      }
      int first = firstVisible[row];
      if (shape.window().isPresent()) {
        first = Math.max(first, position + 1 - shape.window().getAsInt());
      }
      int kvHead = unit % kvHeads;
      heads.attend(row, kvHead, first, position, q, k, v, mixed);
      packed.packRow(row, mixed, kvHead * mixed.length, mixed.length);
    }
  }

  private void prepare(RowTurn turn, int row) {
    layout.copyHeads(projected, row, shape, q, k, v);
    queryNorm.ifPresent(norm -> norm.applyToAll(q, q));
    keyNorm.ifPresent(norm -> norm.applyToAll(k, k));
    turn.apply(q, row, shape.headDim());
    turn.apply(k, row, shape.headDim());
  }

  @Override
  public void close() {
    projections.forEach(StepLinear::close);
    o.close();
    heads.close();
  }
}
