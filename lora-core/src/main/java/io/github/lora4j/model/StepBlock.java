package io.github.lora4j.model;

import io.github.lora4j.nn.RotaryEmbedding;
import io.github.lora4j.nn.StepAttention;
import io.github.lora4j.nn.step.StepCache;
import io.github.lora4j.nn.step.StepMlp;
import io.github.lora4j.nn.step.StepNorm;
import io.github.lora4j.nn.step.StepPart;
import io.github.lora4j.tensor.RowInput;
import java.util.Optional;

/**
 * One thread's part of a block in a decoding step.
 *
 * <p>Each thread keeps the hidden states to itself and computes norms and sums for itself: they are
 * cheaper than waiting for another thread to do so. Only products and attention are shared out.
 */
final class StepBlock implements AutoCloseable {

  private final DecoderBlock block;
  private final StepPart part;
  private final int hidden;
  private final Optional<StepNorm> beforeAttention;
  private final StepAttention attention;
  private final Optional<StepNorm> afterAttention;
  private final Optional<StepNorm> beforeMlp;
  private final StepMlp mlp;
  private final Optional<StepNorm> afterMlp;
  private final Optional<RotaryEmbedding> rotary;
  private final float[] read;
  private final float[] attended;
  private final float[] mapped;
  private final float[] normed;

  private StepBlock(
      DecoderBlock block, StepPart part, int hidden, StepAttention attention, StepMlp mlp) {
    this.block = block;
    this.part = part;
    this.hidden = hidden;
    this.beforeAttention = block.beforeAttention().flatMap(norm -> norm.step());
    this.attention = attention;
    this.afterAttention = block.afterAttention().flatMap(norm -> norm.step());
    this.beforeMlp = block.beforeMlp().flatMap(norm -> norm.step());
    this.mlp = mlp;
    this.afterMlp = block.afterMlp().flatMap(norm -> norm.step());
    this.rotary = block.attention().shape().rotary();
    int size = part.rows() * hidden;
    this.read = part.own("read", size);
    this.normed = part.own("normed", size);
    this.attended = part.shared("attended", size);
    this.mapped = part.shared("mapped", size);
  }

  /** A thread's part of a block; empty if some of its layers can't be computed so. */
  static Optional<StepBlock> of(DecoderBlock block, StepPart part, int hidden, StepCache cache) {
    if (!allNormsCan(block)) {
      return Optional.empty();
    }
    Optional<StepAttention> attention = block.attention().step(part, cache);
    if (attention.isEmpty()) {
      return Optional.empty();
    }
    Optional<StepMlp> mlp = block.mlp().step(part);
    if (mlp.isEmpty()) {
      attention.get().close();
      return Optional.empty();
    }
    return Optional.of(new StepBlock(block, part, hidden, attention.get(), mlp.get()));
  }

  private static boolean allNormsCan(DecoderBlock block) {
    return block.beforeAttention().stream().allMatch(norm -> norm.step().isPresent())
        && block.afterAttention().stream().allMatch(norm -> norm.step().isPresent())
        && block.beforeMlp().stream().allMatch(norm -> norm.step().isPresent())
        && block.afterMlp().stream().allMatch(norm -> norm.step().isPresent());
  }

  /**
   * Applies the block, in this thread and all others at once.
   *
   * @param x {@code [rows, hidden]}, this thread's own copy, overwritten
   */
  void apply(float[] x, StepDecoder.Place place) {
    RowInput in = part.input("hidden", hidden);
    in.pack(beforeAttention.isPresent() ? norm(beforeAttention.get(), x, read) : x);
    if (block.arrangement() == BlockSpec.Arrangement.PARALLEL) {
      if (beforeMlp.isPresent()) {
        norm(beforeMlp.get(), x, read);
      } else if (beforeAttention.isEmpty()) {
        System.arraycopy(x, 0, read, 0, x.length);
      }
    }
    attention.apply(in, place.turn(rotary), place.position(), place.firstVisible(), attended);
    part.barrier();
    add(x, attended, afterAttention);
    if (block.arrangement() == BlockSpec.Arrangement.PARALLEL) {
      in.pack(read);
    } else {
      in.pack(beforeMlp.isPresent() ? norm(beforeMlp.get(), x, read) : x);
    }
    mlp.apply(in, mapped);
    part.barrier();
    add(x, mapped, afterMlp);
  }

  private void add(float[] x, float[] added, Optional<StepNorm> norm) {
    float scale = (float) block.residualScale();
    if (block.arrangement() == BlockSpec.Arrangement.NORM_OF_SUM) {
      addScaled(x, added, scale);
      norm.ifPresent(after -> after.applyToAll(x, x));
    } else {
      addScaled(x, norm.isPresent() ? norm(norm.get(), added, normed) : added, scale);
    }
  }

  private static void addScaled(float[] x, float[] added, float scale) {
    for (int i = 0; i < x.length; i++) {
      x[i] += scale * added[i];
    }
  }

  private static float[] norm(StepNorm norm, float[] x, float[] y) {
    norm.applyToAll(x, y);
    return y;
  }

  @Override
  public void close() {
    attention.close();
    mlp.close();
  }
}
