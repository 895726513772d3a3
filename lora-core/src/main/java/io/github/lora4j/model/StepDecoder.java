package io.github.lora4j.model;

import io.github.lora4j.nn.Attention;
import io.github.lora4j.nn.ForwardContext;
import io.github.lora4j.nn.KvCache;
import io.github.lora4j.nn.RotaryEmbedding;
import io.github.lora4j.nn.RowTurn;
import io.github.lora4j.nn.step.StepCache;
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
  private final List<StepCache> caches = new ArrayList<>();
  private final List<StepCrew> crews = new ArrayList<>(); // all threads, and one alone
  private final StepPace pace = new StepPace();

  /**
   * Where the tokens of a step stand.
   *
   * @param turns cosines and sines for each position embedding
   * @param position their column
   * @param firstVisible for each row, how many columns at the left are padding
   */
  record Place(Map<RotaryEmbedding, RowTurn> turns, int position, int[] firstVisible) {

    RowTurn turn(Optional<RotaryEmbedding> rotary) {
      return rotary.isPresent() ? turns.get(rotary.get()) : RowTurn.NONE;
    }
  }

  private StepDecoder(CausalLayers layers) {
    this.layers = layers;
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
    StepDecoder made = new StepDecoder(layers);
    boolean complete = false;
    try {
      made.takeOver(kernels.get(), before, mostPositions);
      complete = made.hire(kernels.get(), RowKernels.threads());
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

  private void takeOver(RowKernels kernels, List<KvCache> before, int mostPositions) {
    for (KvCache cache : before) {
      try (TensorScope scope = TensorScope.open()) {
        KvCache.Entries entries = cache.entries().orElseThrow();
        caches.add(new StepCache(kernels, entries.keys(), entries.values(), mostPositions));
      }
    }
  }

  /** Both crews from the start: later the adapters may be others. */
  private boolean hire(RowKernels kernels, int threads) {
    StepCrew.of(layers, kernels, caches, threads).ifPresent(crews::add);
    if (!crews.isEmpty() && crews.get(0).threads() > 1) {
      StepCrew.of(layers, kernels, caches, 1).ifPresent(crews::add);
    }
    return !crews.isEmpty();
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
    Map<RotaryEmbedding, RowTurn> turns = new HashMap<>();
    try (TensorScope scope = TensorScope.open()) {
      embedded =
          layers
              .decoder()
              .embedding()
              .forward(ids, positions, ForwardContext.eval())
              .toFloatArray();
      Attention.Pass pass =
          layers.decoder().pass(positions, new Attention.FromColumn(firstVisible));
      pass.rotations().forEach((key, value) -> turns.put(key, RowTurn.of(value)));
    }
    StepCrew crew = crews.get(pace.together() ? 0 : crews.size() - 1);
    long start = System.nanoTime();
    float[] scores = crew.step(embedded, new Place(turns, column, firstVisible));
    pace.took(System.nanoTime() - start);
    return scores;
  }

  @Override
  public void close() {
    crews.forEach(StepCrew::close);
    caches.forEach(StepCache::close);
  }
}
