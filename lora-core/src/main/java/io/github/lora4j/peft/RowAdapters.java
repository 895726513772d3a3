package io.github.lora4j.peft;

import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Which adapter each row of a batch uses. */
final class RowAdapters {

  private final List<String> names;
  private final Map<String, List<Integer>> rows = new LinkedHashMap<>();
  private final long[] places;

  /**
   * Sorts rows by adapter.
   *
   * @param names the adapter of each row; {@link AdapterNames#BASE} for none
   */
  RowAdapters(List<String> names) {
    this.names = List.copyOf(names);
    for (int row = 0; row < names.size(); row++) {
      rows.computeIfAbsent(names.get(row), name -> new ArrayList<>()).add(row);
    }
    places = new long[names.size()];
    int place = 0;
    for (List<Integer> group : rows.values()) {
      for (int row : group) {
        places[row] = place++;
      }
    }
  }

  /** What is to be done with the rows of one adapter. */
  @FunctionalInterface
  interface OfAdapter {

    /**
     * Computes.
     *
     * @param rows which they are, I64 {@code [n]}
     */
    Tensor apply(String adapter, Tensor rows);
  }

  /**
   * Refuses what has other rows than adapters were named for.
   *
   * @param dims how many dimensions {@code x} must have at least
   * @throws IllegalArgumentException if these are not the rows of the batch
   */
  void requireRows(String layer, Tensor x, int dims) {
    if (x.dim() < dims || x.size(0) != names.size()) {
      throw new IllegalArgumentException(
          "%s: adapters are named for %d rows, but here is %s: give a batch of as many rows, and ask for logits or generation; losses are taken adapter by adapter"
              .formatted(layer, names.size(), x));
    }
  }

  /**
   * Treats the rows of each adapter apart.
   *
   * @return what comes out, rows in the order of the batch, in the caller's scope
   */
  Tensor apply(Device device, OfAdapter change) {
    try (TensorScope scope = TensorScope.open()) {
      List<Tensor> parts = new ArrayList<>();
      for (Map.Entry<String, List<Integer>> group : rows.entrySet()) {
        long[] own = group.getValue().stream().mapToLong(Integer::longValue).toArray();
        parts.add(change.apply(group.getKey(), index(own, device)));
      }
      return scope.handOver(Tensor.cat(parts, 0).indexSelect(0, index(places, device)));
    }
  }

  private static Tensor index(long[] values, Device device) {
    return Tensor.of(values, values.length).to(device);
  }
}
