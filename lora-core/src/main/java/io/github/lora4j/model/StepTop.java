package io.github.lora4j.model;

import io.github.lora4j.nn.step.StepLinear;
import io.github.lora4j.nn.step.StepNorm;
import io.github.lora4j.nn.step.StepPart;
import io.github.lora4j.tensor.RowInput;
import java.util.Optional;

/** One thread's scores in a decoding step: the last norm, and its part of the head. */
final class StepTop implements AutoCloseable {

  private final DecoderSpec.HeadSpec spec;
  private final StepPart part;
  private final Optional<StepNorm> norm;
  private final StepLinear head;
  private final float[] normed;
  private final float[] scores;

  private StepTop(CausalLayers layers, StepPart part, Optional<StepNorm> norm, StepLinear head) {
    this.spec = layers.spec().head();
    this.part = part;
    this.norm = norm;
    this.head = head;
    this.normed = part.own("normed", part.rows() * layers.spec().hiddenSize());
    this.scores = part.shared("scores", part.rows() * head.outFeatures());
  }

  static Optional<StepTop> of(CausalLayers layers, StepPart part) {
    Optional<StepNorm> norm = layers.decoder().norm().flatMap(last -> last.step());
    if (norm.isPresent() != layers.decoder().norm().isPresent()) {
      return Optional.empty();
    }
    return layers.head().step(part, 1).map(head -> new StepTop(layers, part, norm, head));
  }

  /** Row-major {@code [rows, vocab]}; the same in all parts. */
  float[] scores() {
    return scores;
  }

  /** Computes this thread's scores. */
  void apply(float[] x) {
    norm.ifPresent(last -> last.applyToAll(x, normed));
    RowInput in = part.input("hidden", normed.length / part.rows());
    in.pack(norm.isPresent() ? normed : x);
    head.apply(in, scores);
    if (spec.changesScores()) {
      int vocab = head.outFeatures();
      for (int row = 0; row < part.rows(); row++) {
        change(row * vocab + part.from(vocab), row * vocab + part.to(vocab));
      }
    }
  }

  private void change(int from, int to) {
    for (int i = from; i < to; i++) {
      double score = scores[i] * spec.scale();
      if (spec.softcap().isPresent()) {
        double cap = spec.softcap().getAsDouble();
        score = cap * Math.tanh(score / cap);
      }
      scores[i] = (float) score;
    }
  }

  @Override
  public void close() {
    head.close();
  }
}
