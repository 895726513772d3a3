package io.github.lora4j.nn;

import io.github.lora4j.nn.step.StepCache;
import io.github.lora4j.nn.step.StepPart;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Functional;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;

/**
 * Multi-head attention with grouped queries (Ainslie et al., 2023).
 *
 * @param qkv the input projections
 * @param norms of queries and keys, where there are any; only beside separate projections
 * @param o {@code [hidden, heads * headDim]}
 * @param shape what is computed between the projections
 * @param prefix keys and values before those of every sequence, where there are any; with a cache,
 *     they are what it begins with, and are left to whoever made it
 */
public record Attention(
    QkvProjection qkv,
    Optional<QkNorm> norms,
    LinearLayer o,
    AttentionShape shape,
    Optional<KeyValuePrefix.OfLayer> prefix)
    implements Layer {

  // Finite, so that a row with nothing to look at (padding) gives some numbers rather than NaN.
  private static final double BLOCKED = -Float.MAX_VALUE;

  /** Checks that norms find queries and keys by themselves. */
  public Attention {
    if (norms.isPresent() && qkv.layout() != QkvLayout.SEPARATE) {
      throw new IllegalArgumentException(
          "norms: expected none beside a fused projection of queries, keys and values");
    }
  }

  /** Attention without a prefix. */
  public Attention(QkvProjection qkv, Optional<QkNorm> norms, LinearLayer o, AttentionShape shape) {
    this(qkv, norms, o, shape, Optional.empty());
  }

  /**
   * What all layers of one forward pass share.
   *
   * @param rotations of the positions of this pass, for each position embedding of the model
   * @param visible which keys a query sees
   */
  public record Pass(Map<RotaryEmbedding, RotaryEmbedding.Rotation> rotations, Visible visible) {

    /**
     * Prepares a pass; its tensors belong to the caller's scope.
     *
     * @param embeddings the position embeddings of the model's layers
     * @param positions I64 {@code [batch or 1, seq]}
     * @param dtype of the hidden states
     */
    public static Pass at(
        Tensor positions, Collection<RotaryEmbedding> embeddings, DType dtype, Visible visible) {
      Map<RotaryEmbedding, RotaryEmbedding.Rotation> rotations = new HashMap<>();
      embeddings.forEach(
          embedding -> rotations.computeIfAbsent(embedding, wanted -> wanted.at(positions, dtype)));
      return new Pass(rotations, visible);
    }

    private Optional<RotaryEmbedding.Rotation> rotation(AttentionShape shape) {
      return shape.rotary().map(rotations::get);
    }
  }

  /** Which keys a query sees. */
  public sealed interface Visible permits AllBut, FromColumn, CausalSequences {}

  /**
   * All keys of its row but some.
   *
   * @param blocked BOOL {@code [batch or 1, 1, 1, seq, keys]}, true where a query must not look;
   *     empty where it may look everywhere
   */
  public record AllBut(Optional<Tensor> blocked) implements Visible {}

  /**
   * All keys so far from some column on: one new position a row, in generation.
   *
   * @param first for each row, how many columns at the left are padding
   */
  public record FromColumn(int[] first) implements Visible {

    /** BOOL {@code [batch, 1, 1, 1, keys]}; empty where no row has padding. */
    Optional<Tensor> blocked(long keys, Device device) {
      if (Arrays.stream(first).allMatch(column -> column == 0)) {
        return Optional.empty();
      }
      long[] ends = Arrays.stream(first).asLongStream().toArray();
      try (TensorScope scope = TensorScope.open()) {
        Tensor columns = Tensor.arange(0, keys, device).view(1, 1, 1, 1, keys);
        Tensor visible = Tensor.of(ends, ends.length, 1, 1, 1, 1).to(device);
        return Optional.of(scope.handOver(visible.gt(columns)));
      }
    }
  }

  /**
   * Applies attention.
   *
   * @param x {@code [batch, seq, hidden]}
   * @param cache where earlier positions are and these are added, in generation; none with {@link
   *     CausalSequences}
   * @return the same shape as {@code x}
   */
  public Tensor forward(Tensor x, Pass pass, Optional<KvCache> cache, ForwardContext context) {
    try (TensorScope scope = TensorScope.open()) {
      List<Tensor> projected = qkv.forward(x, context);
      if (norms.isPresent()) {
        projected = norms.get().forward(projected, shape.headDim());
      }
      Tensor mixed;
      if (pass.visible() instanceof CausalSequences sequences) {
        if (cache.isPresent()) {
          throw new IllegalArgumentException(
              "cache: expected none with CausalSequences, found one");
        }
        if (prefix.isPresent()) {
          throw new IllegalArgumentException(
              "visible: expected AllBut beside a prefix, found CausalSequences");
        }
        mixed =
            new CausalAttention(shape, qkv.layout(), pass.rotation(shape), sequences)
                .apply(projected);
      } else {
        Optional<RowAttention> oneByOne =
            RowAttention.of(
                shape, qkv.layout(), pass.rotation(shape), cache, pass.visible(), projected.get(0));
        mixed =
            oneByOne.isPresent()
                ? oneByOne.get().apply(projected)
                : masked(projected, pass, cache, context);
      }
      return scope.handOver(o.forward(mixed, context));
    }
  }

  /**
   * What one of several threads computes of it in a decoding step.
   *
   * @param cache what all of them share
   * @return empty if it is left to {@link #forward}
   */
  public Optional<StepAttention> step(StepPart part, StepCache cache) {
    return StepAttention.of(this, part, cache);
  }

  private Tensor masked(
      List<Tensor> projected, Pass pass, Optional<KvCache> cache, ForwardContext context) {
    try (TensorScope scope = TensorScope.open()) {
      QkvLayout.Heads heads = qkv.layout().heads(projected, shape);
      long batch = heads.queries().size(0);
      long seq = heads.queries().size(1);
      int kvHeads = shape.kvHeads();
      int headDim = shape.headDim();
      Tensor queries = turned(byHead(heads.queries()), pass);
      Tensor keys = turned(byHead(heads.keys()), pass);
      Tensor values = byHead(heads.values());
      if (cache.isPresent()) {
        KvCache.Entries all = cache.get().append(keys, values);
        keys = all.keys();
        values = all.values();
      } else if (prefix.isPresent()) {
        KvCache.Entries before = prefix.get().entries(keys, context);
        keys = Tensor.cat(List.of(before.keys(), keys), 2);
        values = Tensor.cat(List.of(before.values(), values), 2);
      }
      long total = keys.size(2);
      Optional<Tensor> blocked =
          pass.visible() instanceof FromColumn from
              ? from.blocked(total, keys.device())
              : ((AllBut) pass.visible()).blocked().map(mask -> overPrefix(mask, total));
      Optional<Tensor> hidden = blocked;
      if (shape.window().isPresent() && total > shape.window().getAsInt()) {
        int window = shape.window().getAsInt();
        if (seq == 1) {
          keys = keys.narrow(2, total - window, window);
          values = values.narrow(2, total - window, window);
          hidden = blocked.map(mask -> mask.narrow(-1, total - window, window));
        } else {
          Tensor beyond = beyond(window, seq, total, keys);
          hidden = Optional.of(blocked.map(beyond::logicalOr).orElse(beyond));
        }
      }
      // Queries of one group are rows of one product with their shared key head: nothing is
      // repeated.
      int group = shape.group();
      Tensor grouped = queries.reshape(batch, kvHeads, group * seq, headDim);
      Tensor scores =
          grouped
              .matmul(keys.transpose(2, 3))
              .mul(shape.scale())
              .to(DType.F32)
              .view(batch, kvHeads, group, seq, -1);
      if (shape.softcap().isPresent()) {
        double cap = shape.softcap().getAsDouble();
        scores = scores.mul(1 / cap).tanh().mul(cap);
      }
      if (hidden.isPresent()) {
        scores = scores.maskedFill(hidden.get(), BLOCKED);
      }
      Tensor probabilities =
          Functional.softmax(scores, -1).to(values.dtype()).view(batch, kvHeads, group * seq, -1);
      return scope.handOver(
          probabilities
              .matmul(values)
              .view(batch, shape.heads(), seq, headDim)
              .transpose(1, 2)
              .reshape(batch, seq, (long) shape.heads() * headDim));
    }
  }

  /** {@code [batch, seq, kvHeads, group, headDim]} as {@code [batch, heads, seq, headDim]}. */
  private static Tensor byHead(Tensor heads) {
    return heads
        .reshape(heads.size(0), heads.size(1), heads.size(2) * heads.size(3), heads.size(4))
        .transpose(1, 2);
  }

  private Tensor turned(Tensor heads, Pass pass) {
    Optional<RotaryEmbedding.Rotation> rotation = pass.rotation(shape);
    return rotation.isPresent() ? rotation.get().apply(heads) : heads;
  }

  /** A mask that also has the columns of a prefix, which everybody sees. */
  private static Tensor overPrefix(Tensor mask, long total) {
    long missing = total - mask.size(-1);
    if (missing == 0) {
      return mask;
    }
    long[] shape = mask.shape();
    shape[shape.length - 1] = missing;
    return Tensor.cat(List.of(Tensor.zeros(DType.BOOL, mask.device(), shape), mask), -1);
  }

  /** The keys that lie before a query's window, BOOL {@code [1, 1, 1, seq, total]}. */
  private static Tensor beyond(int window, long seq, long total, Tensor like) {
    Tensor queries = Tensor.arange(total - seq, total, like.device()).view(seq, 1);
    Tensor windowEnds = Tensor.arange(window - 1L, total + window - 1, like.device());
    return queries.gt(windowEnds).view(1, 1, 1, seq, total);
  }

  /** The same attention with each layer replaced by what the change makes of it. */
  public Attention withLinears(LayerChange change) {
    return new Attention(
        qkv.withLinears(change),
        norms.map(both -> both.withLinears(change)),
        change.apply(o),
        shape,
        prefix);
  }

  /** The same, for a model that owns its parts: norms that stay are shared. */
  public Attention shareWith(LayerChange change) {
    return new Attention(
        qkv.withLinears(change),
        norms.map(both -> both.shareWith(change)),
        change.apply(o),
        shape,
        prefix);
  }

  /** The same attention with keys and values before those of every sequence, which it borrows. */
  public Attention withPrefix(KeyValuePrefix.OfLayer given) {
    return new Attention(qkv, norms, o, shape, Optional.of(given));
  }

  @Override
  public void forEachParameter(BiConsumer<String, Tensor> visitor) {
    qkv.forEachParameter(visitor);
    o.forEachParameter(visitor);
    norms.ifPresent(both -> both.forEachParameter(visitor));
    prefix.ifPresent(before -> before.forEachParameter(visitor));
  }

  @Override
  public void close() {
    qkv.close();
    o.close();
    norms.ifPresent(QkNorm::close);
  }
}
