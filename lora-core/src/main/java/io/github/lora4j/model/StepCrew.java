package io.github.lora4j.model;

import io.github.lora4j.nn.step.StepCache;
import io.github.lora4j.nn.step.StepPart;
import io.github.lora4j.nn.step.StepShared;
import io.github.lora4j.nn.step.StepTeam;
import io.github.lora4j.tensor.RowKernels;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Threads that compute decoding steps together, each with its part of every layer. */
final class StepCrew implements AutoCloseable {

  private final StepTeam team;
  private final StepShared shared;
  private final List<Worker> workers = new ArrayList<>();
  private float[] scores = new float[0];

  private StepCrew(StepTeam team, RowKernels kernels) {
    this.team = team;
    this.shared = new StepShared(kernels);
  }

  /** What one thread computes. */
  private static final class Worker implements AutoCloseable {
    private final StepPart part;
    private final List<StepBlock> blocks = new ArrayList<>();
    private Optional<StepTop> top = Optional.empty();
    private float[] x = new float[0];

    Worker(StepPart part) {
      this.part = part;
    }

    /** Makes the layers' parts; false if a layer has none. */
    boolean build(CausalLayers layers, List<StepCache> caches) {
      int hidden = layers.spec().hiddenSize();
      for (int layer = 0; layer < caches.size(); layer++) {
        DecoderBlock block = layers.decoder().blocks().get(layer);
        Optional<StepBlock> made = StepBlock.of(block, part, hidden, caches.get(layer));
        if (made.isEmpty()) {
          return false;
        }
        blocks.add(made.get());
      }
      top = StepTop.of(layers, part);
      x = new float[part.rows() * hidden];
      return top.isPresent();
    }

    void step(float[] embedded, StepDecoder.Place place) {
      System.arraycopy(embedded, 0, x, 0, embedded.length);
      for (StepBlock block : blocks) {
        block.apply(x, place);
      }
      top.orElseThrow().apply(x);
      part.kernels().release();
    }

    @Override
    public void close() {
      blocks.forEach(StepBlock::close);
      top.ifPresent(StepTop::close);
      part.close();
    }
  }

  /**
   * Makes a crew over caches that it borrows.
   *
   * @param threads that are wanted
   * @return empty if the model has layers that can't be computed so
   */
  static Optional<StepCrew> of(
      CausalLayers layers, RowKernels kernels, List<StepCache> caches, int threads) {
    StepCrew crew = new StepCrew(StepTeam.start(threads), kernels);
    boolean complete = false;
    try {
      complete = crew.build(layers, caches);
    } finally {
      if (!complete) {
        crew.close();
      }
    }
    return complete ? Optional.of(crew) : Optional.empty();
  }

  private boolean build(CausalLayers layers, List<StepCache> caches) {
    for (int index = 0; index < team.count(); index++) {
      Worker worker = new Worker(new StepPart(team, index, shared));
      workers.add(worker);
      if (!worker.build(layers, caches)) {
        return false;
      }
      scores = worker.top.orElseThrow().scores();
    }
    return true;
  }

  /** How many threads there are. */
  int threads() {
    return team.count();
  }

  /**
   * Computes one more position of each row.
   *
   * @param embedded {@code [rows, hidden]}
   * @return {@code [rows, vocab]}, overwritten by the next call
   */
  float[] step(float[] embedded, StepDecoder.Place place) {
    team.run(index -> workers.get(index).step(embedded, place));
    return scores;
  }

  @Override
  public void close() {
    team.close();
    workers.forEach(Worker::close);
    shared.close();
  }
}
