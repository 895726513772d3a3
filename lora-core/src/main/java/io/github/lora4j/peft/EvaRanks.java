package io.github.lora4j.peft;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Shares ranks out to layers by how much of their inputs' variance each direction explains. */
final class EvaRanks {

  private EvaRanks() {}

  /**
   * The rank of each layer: the {@code budget} directions with the largest shares, whosever they
   * are.
   *
   * @param ratios the shares of each layer's directions, largest first; layers that look at the
   *     same input one behind another
   * @param sameInput for a layer whose input is another's: that one, which then gets the largest of
   *     their ranks, since its directions serve both
   * @param budget the sum of all ranks
   * @return a rank for each layer, 0 where it gets none
   */
  static Map<String, Integer> share(
      Map<String, double[]> ratios, Map<String, String> sameInput, int budget) {
    record Direction(String layer, double ratio) {}
    List<Direction> all = new ArrayList<>();
    Map<String, Integer> ranks = new LinkedHashMap<>();
    ratios.forEach(
        (layer, shares) -> {
          ranks.put(layer, 0);
          for (double share : shares) {
            all.add(new Direction(layer, share));
          }
        });
    all.sort(Comparator.comparingDouble(Direction::ratio).reversed());
    for (Direction direction : all.subList(0, Math.min(budget, all.size()))) {
      ranks.merge(direction.layer, 1, Integer::sum);
    }
    sameInput.forEach(
        (layer, source) -> {
          int mine = ranks.getOrDefault(layer, 0);
          int its = ranks.getOrDefault(source, 0);
          if (its < mine) {
            ranks.put(source, mine);
            ranks.put(layer, its);
          }
        });
    return ranks;
  }
}
