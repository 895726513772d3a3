package io.github.lora4j.peft;

import io.github.lora4j.nn.DenseLinear;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;

/**
 * The base's table, or its head, as an adapter's file has it: PEFT saves them where adapters stand
 * beside them or the vocabulary was resized, and loading writes them over the base's. Here they
 * take the base's place where the adapter takes part. Frozen, in the base's dtype.
 */
final class StoredTable implements LayerPart {

  private final DenseLinear layer;
  private final Map<String, Tensor> saved;
  private final Object origin;

  private StoredTable(DenseLinear layer, Map<String, Tensor> saved, Object origin) {
    this.layer = layer;
    this.saved = saved;
    this.origin = origin;
  }

  /**
   * Takes second handles of the tensors.
   *
   * @param weight {@code [vocab, dim]}
   * @param bias {@code [vocab]}, of a head that has one
   * @param keys the names in the file, without the prefix, each with weight or bias
   */
  static StoredTable of(
      String module, Tensor weight, Optional<Tensor> bias, Map<String, Tensor> keys) {
    return of(module, weight, bias, keys, new Object());
  }

  private static StoredTable of(
      String module,
      Tensor weight,
      Optional<Tensor> bias,
      Map<String, Tensor> keys,
      Object origin) {
    try (TensorScope scope = TensorScope.open()) {
      DenseLinear layer =
          new DenseLinear(
              module,
              TensorScope.keep(weight.alias()),
              bias.map(own -> TensorScope.keep(own.alias())));
      Map<String, Tensor> saved = new LinkedHashMap<>();
      keys.forEach(
          (key, tensor) ->
              saved.put(key, tensor == weight ? layer.weight() : layer.bias().orElseThrow()));
      return new StoredTable(layer, saved, origin);
    }
  }

  /** A second owner of the same numbers, for another adapter whose file holds them too. */
  StoredTable shared(StoredTable other) {
    Map<String, Tensor> keys = new LinkedHashMap<>();
    other.saved.forEach(
        (key, tensor) ->
            keys.put(
                key, tensor == other.layer.weight() ? layer.weight() : layer.bias().orElseThrow()));
    return of(layer.name(), layer.weight(), layer.bias(), keys, origin);
  }

  /** Whether both hold the same numbers. */
  boolean sameAs(StoredTable other) {
    return layer.weight().equal(other.layer.weight())
        && layer.bias().isPresent() == other.layer.bias().isPresent()
        && (layer.bias().isEmpty() || layer.bias().get().equal(other.layer.bias().orElseThrow()));
  }

  /** Stands for the numbers: those that share them have the same. */
  Object origin() {
    return origin;
  }

  /** A linear layer that multiplies by the table. */
  DenseLinear layer() {
    return layer;
  }

  /** Nothing here learns. */
  @Override
  public void requiresGrad(boolean required) {}

  @Override
  public void forEachParameter(String module, BiConsumer<String, Tensor> visitor) {}

  @Override
  public void forEachSaved(String module, BiConsumer<String, Tensor> visitor) {
    saved.forEach(visitor);
  }

  @Override
  public void close() {
    layer.close();
  }
}
