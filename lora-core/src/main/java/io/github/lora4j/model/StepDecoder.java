package io.github.lora4j.model;

import io.github.lora4j.nn.Attention;
import io.github.lora4j.nn.ForwardContext;
import io.github.lora4j.nn.KvCache;
import io.github.lora4j.nn.RotaryEmbedding;
import io.github.lora4j.nn.StepAttention;
import io.github.lora4j.nn.step.StepCache;
import io.github.lora4j.nn.step.StepPart;
import io.github.lora4j.nn.step.StepShared;
import io.github.lora4j.nn.step.StepTeam;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.RowKernels;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A model as a decoding step computes it on the CPU: plain arrays, a few threads that share each
 * product, no operators of libtorch, which cost more than what they have to do for a few rows.
 *
 * <p>Sums stay float32 from the first block to the scores, where the layers round to the model's
 * dtype: in bfloat16 the scores are nearer to exact ones than theirs.
 */
final class StepDecoder implements AutoCloseable {

  private final CausalLayers layers;
  private final StepTeam team;
  private final int rows;
  private final List<StepCache> caches = new ArrayList<>();
  private final List<Worker> threads = new ArrayList<>();
  private final StepShared shared;
  private float[] scores = new float[0];

  /** What one thread computes. */
  private static final class Worker implements AutoCloseable {
    private final StepPart part;
    private final List<StepBlock> blocks = new ArrayList<>();
    private Optional<StepTop> top = Optional.empty();
    private float[] x = new float[0];

    Worker(StepPart part) {
      this.part = part;
    }

    @Override
    public void close() {
      blocks.forEach(StepBlock::close);
      top.ifPresent(StepTop::close);
      part.close();
    }
  }

  /**
   * Where the tokens of a step stand.
   *
   * @param turns cosines and sines for each position embedding
   * @param position their column
   * @param firstVisible for each row, how many columns at the left are padding
   */
  record Place(Map<RotaryEmbedding, StepAttention.Turn> turns, int position, int[] firstVisible) {

    StepAttention.Turn turn(Optional<RotaryEmbedding> rotary) {
      return rotary.isPresent() ? turns.get(rotary.get()) : StepAttention.Turn.NONE;
    }
  }

  private StepDecoder(CausalLayers layers, StepTeam team, int rows, StepShared shared) {
    this.layers = layers;
    this.team = team;
    this.rows = rows;
    this.shared = shared;
  }

  /**
   * Takes over a decoding that has begun.
   *
   * @param before keys and values so far, one cache a block
   * @param mostPositions that there will be
   * @return empty if the machine or the model can't do it so; nothing has changed then
   */
  static Optional<StepDecoder> of(
      CausalLayers layers, List<KvCache> before, int rows, int mostPositions) {
    if (!layers.decoder().device().equals(Device.CPU)
        || layers.decoder().projection().isPresent()
        || layers.head().dtype() != layers.decoder().dtype()) {
      return Optional.empty();
    }
    Optional<RowKernels> kernels = RowKernels.of(layers.decoder().dtype(), rows);
    if (kernels.isEmpty() || !fits(layers.decoder(), rows, mostPositions)) {
      return Optional.empty();
    }
    StepDecoder made =
        new StepDecoder(
            layers, StepTeam.start(RowKernels.threads()), rows, new StepShared(kernels.get()));
    boolean complete = false;
    try {
      complete = made.build(kernels.get(), before, mostPositions);
    } finally {
      if (!complete) {
        made.close();
      }
    }
    return complete ? Optional.of(made) : Optional.empty();
  }

  private static boolean fits(Decoder decoder, int rows, int mostPositions) {
    return decoder.blocks().stream()
        .map(block -> block.attention().shape())
        .allMatch(shape -> StepCache.fits(rows, shape.kvHeads(), shape.headDim(), mostPositions));
  }

  private boolean build(RowKernels kernels, List<KvCache> before, int mostPositions) {
    int hidden = layers.spec().hiddenSize();
    for (KvCache cache : before) {
      try (TensorScope scope = TensorScope.open()) {
        KvCache.Entries entries = cache.entries().orElseThrow();
        caches.add(new StepCache(kernels, entries.keys(), entries.values(), mostPositions));
      }
    }
    for (int index = 0; index < team.count(); index++) {
      Worker thread = new Worker(new StepPart(team, index, shared));
      threads.add(thread);
      for (int layer = 0; layer < caches.size(); layer++) {
        Optional<StepBlock> block =
            StepBlock.of(
                layers.decoder().blocks().get(layer), thread.part, hidden, caches.get(layer));
        if (block.isEmpty()) {
          return false;
        }
        thread.blocks.add(block.get());
      }
      thread.top = StepTop.of(layers, thread.part);
      if (thread.top.isEmpty()) {
        return false;
      }
      thread.x = new float[rows * hidden];
      scores = thread.top.get().scores();
    }
    return true;
  }

  /**
   * Computes one more position of each row.
   *
   * @param ids I64 {@code [rows, 1]}
   * @param positions I64 {@code [rows, 1]}
   * @param column the column that they take
   * @param firstVisible for each row, how many columns at the left are padding
   * @return {@code [rows, vocab]}, overwritten by the next call
   */
  float[] step(Tensor ids, Tensor positions, int column, int[] firstVisible) {
    float[] embedded;
    Map<RotaryEmbedding, StepAttention.Turn> turns = new HashMap<>();
    try (TensorScope scope = TensorScope.open()) {
      embedded =
          layers
              .decoder()
              .embedding()
              .forward(ids, positions, ForwardContext.eval())
              .toFloatArray();
      Attention.Pass pass =
          layers.decoder().pass(positions, new Attention.FromColumn(firstVisible));
      pass.rotations().forEach((key, value) -> turns.put(key, StepAttention.Turn.of(value)));
    }
    Place place = new Place(turns, column, firstVisible);
    team.run(
        index -> {
          Worker thread = threads.get(index);
          System.arraycopy(embedded, 0, thread.x, 0, embedded.length);
          for (StepBlock block : thread.blocks) {
            block.apply(thread.x, place);
          }
          thread.top.orElseThrow().apply(thread.x);
          thread.part.kernels().release();
        });
    return scores;
  }

  @Override
  public void close() {
    team.close();
    threads.forEach(Worker::close);
    caches.forEach(StepCache::close);
    shared.close();
  }
}
