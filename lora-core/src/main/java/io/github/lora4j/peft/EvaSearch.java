package io.github.lora4j.peft;

import io.github.lora4j.error.LoraException;
import io.github.lora4j.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * EVA (Paischer et al., 2024): goes over batches until the directions in which the inputs of the
 * layers vary most no longer move, and shares the ranks out by them; PEFT's {@code
 * get_eva_state_dict}.
 */
final class EvaSearch<B> {

  private static final int MOST_PASSES = 100;

  private final EvaConfig config;
  private final List<EvaLayer> layers;
  private final Forward<B> forward;

  /** Runs a model on a batch and shows the inputs of its layers. */
  @FunctionalInterface
  interface Forward<B> {

    /**
     * Runs it, without gradients and dropout.
     *
     * @param inputs is shown each layer's input
     */
    void run(B batch, Inputs inputs);
  }

  /** Sees inputs of layers. */
  interface Inputs {

    /** Whether this layer's input is of use now: gathering it may be spared otherwise. */
    boolean wants(String layer);

    /**
     * Takes an input in.
     *
     * @param rows {@code [n, in]}, of the positions that count; borrowed
     */
    void see(String layer, Tensor rows);
  }

  /**
   * Prepares a search.
   *
   * @param layers in the model's order, at least one
   */
  EvaSearch(EvaConfig config, List<EvaLayer> layers, Forward<B> forward) {
    this.config = config;
    this.layers = List.copyOf(layers);
    this.forward = forward;
  }

  /**
   * Searches.
   *
   * @param batches at least one, gone over as often as it takes
   * @return A {@code [rank, in]} for each layer, F32, with 0 rows for one that gets no rank; in the
   *     caller's scope
   * @throws LoraException if directions still move after a hundred passes
   */
  Map<String, Tensor> run(Iterable<B> batches) {
    if (!batches.iterator().hasNext()) {
      throw new IllegalArgumentException("EVA looks at batches of inputs, but there are none");
    }
    Map<String, String> sameInput = layersOfSameInput(batches.iterator().next());
    try (Directions directions = new Directions(sameInput)) {
      for (int pass = 0; pass < MOST_PASSES; pass++) {
        for (B batch : batches) {
          if (directions.haveConverged()) {
            return directions.first();
          }
          forward.run(batch, directions);
          directions.share();
        }
      }
      if (directions.haveConverged()) {
        return directions.first();
      }
      throw new LoraException(
          ("EVA: after %d passes over the batches the directions of %s still move or were never"
                  + " found%s: give more or larger batches, or lower tau (%s) or rho (%s)")
              .formatted(
                  MOST_PASSES,
                  directions.unfinished(),
                  directions.anyTooFewRows()
                      ? " (batches with fewer rows than directions are passed over)"
                      : "",
                  config.tau(),
                  config.rho()));
    }
  }

  /** Layers that look at what another before them looks at: one decomposition does for them all. */
  private Map<String, String> layersOfSameInput(B batch) {
    Map<Integer, List<Seen>> byHash = new HashMap<>();
    Map<String, String> same = new LinkedHashMap<>();
    forward.run(
        batch,
        new Inputs() {
          @Override
          public boolean wants(String layer) {
            return true;
          }

          @Override
          public void see(String layer, Tensor rows) {
            float[] values = rows.toFloatArray();
            List<Seen> alike =
                byHash.computeIfAbsent(Arrays.hashCode(values), h -> new ArrayList<>());
            alike.stream()
                .filter(seen -> Arrays.equals(seen.values, values))
                .findFirst()
                .ifPresentOrElse(
                    seen -> same.put(layer, seen.layer), () -> alike.add(new Seen(layer, values)));
          }
        });
    return same;
  }

  private record Seen(String layer, float[] values) {}

  /** The state of a search. */
  private final class Directions implements Inputs, AutoCloseable {
    private final Map<String, String> sameInput;
    private final Map<String, Integer> most = new LinkedHashMap<>();
    private final Map<String, EvaDirections> own = new LinkedHashMap<>();
    private Map<String, Integer> ranks;

    Directions(Map<String, String> sameInput) {
      this.sameInput = sameInput;
      for (EvaLayer layer : layers) {
        int count = (int) Math.min(Math.rint(layer.rank() * config.rho()), layer.inFeatures());
        most.merge(source(layer.name()), count, Math::max);
      }
      layers.forEach(layer -> most.put(layer.name(), count(source(layer.name()))));
      for (EvaLayer layer : layers) {
        if (source(layer.name()).equals(layer.name())) {
          own.put(layer.name(), new EvaDirections(count(layer.name()), config.tau()));
        }
      }
      ranks = new LinkedHashMap<>(most);
    }

    private String source(String layer) {
      return sameInput.getOrDefault(layer, layer);
    }

    private int count(String layer) {
      return most.getOrDefault(layer, 0);
    }

    private boolean hasConverged(String layer) {
      EvaDirections directions = own.get(layer);
      return directions == null || directions.hasConverged(ranks.getOrDefault(layer, 0));
    }

    boolean haveConverged() {
      return own.keySet().stream().allMatch(this::hasConverged);
    }

    List<String> unfinished() {
      return own.keySet().stream().filter(layer -> !hasConverged(layer)).toList();
    }

    boolean anyTooFewRows() {
      return own.values().stream().anyMatch(EvaDirections::hadTooFewRows);
    }

    @Override
    public boolean wants(String layer) {
      return own.containsKey(layer) && !hasConverged(layer);
    }

    @Override
    public void see(String layer, Tensor rows) {
      EvaDirections directions = own.get(layer);
      if (directions != null && wants(layer)) {
        directions.see(rows);
      }
    }

    /** Shares ranks out by what is known so far, once all layers have been seen. */
    void share() {
      if (!own.values().stream().allMatch(EvaDirections::isFitted)) {
        return;
      }
      Map<String, double[]> ratios = new LinkedHashMap<>();
      own.forEach((layer, found) -> ratios.put(layer, found.ratios(count(layer))));
      sameInput.forEach((layer, source) -> ratios.put(layer, ratios.get(source)));
      int budget = layers.stream().mapToInt(EvaLayer::rank).sum();
      ranks = EvaRanks.share(ratios, sameInput, budget);
    }

    Map<String, Tensor> first() {
      Map<String, Tensor> found = new LinkedHashMap<>();
      for (EvaLayer layer : layers) {
        EvaDirections directions = own.get(source(layer.name()));
        if (directions != null) {
          int rank = ranks.getOrDefault(layer.name(), 0);
          found.put(layer.name(), directions.first(rank, config.whiten()));
        }
      }
      return found;
    }

    @Override
    public void close() {
      own.values().forEach(EvaDirections::close);
    }
  }
}
