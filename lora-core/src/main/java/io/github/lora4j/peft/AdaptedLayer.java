package io.github.lora4j.peft;

import io.github.lora4j.tensor.Tensor;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.function.Consumer;

/**
 * A layer of the base with what adapters, by their names, put beside it. The layer is borrowed, the
 * adapters' weights are owned.
 */
interface AdaptedLayer extends AutoCloseable {

  /** The name of the layer, or of the parameter of experts. */
  String name();

  /** What the base has here, by its class. */
  String baseType();

  /** Those adapters that have weights here. */
  Set<String> adapters();

  /**
   * Those of them that have something in the place of the layer or of a parameter of it, and what:
   * equal for those that can take part together.
   */
  Map<String, Object> replacing();

  /** Lets these adapters take part, as far as they have weights here, and no others. */
  void activate(List<String> adapters);

  /** Multiplies an adapter's scaling as configured. */
  void scale(String adapter, double factor);

  /** What an adapter's scaling is multiplied by; 1 where it has none here. */
  double scale(String adapter);

  /** Computes from weights into which these adapters are merged; the base's stay beside them. */
  void merge(List<String> adapters, boolean safe);

  /** Goes back to the base's own weights, which never changed. */
  void unmerge();

  boolean isMerged();

  /** Makes an adapter's weights learn, or freezes them. */
  void requiresGrad(String adapter, boolean required);

  /** Shows an adapter's parameters. */
  void forEachParameter(String adapter, Consumer<Tensor> visitor);

  /**
   * Shows what belongs into an adapter's file, with the names that it has in PEFT's, without the
   * prefix; what has to be made for that is in the caller's scope.
   */
  void forEachSaved(String adapter, BiConsumer<String, Tensor> visitor);

  /** Frees an adapter's weights. */
  void remove(String adapter);

  void rename(String adapter, String name);

  @Override
  void close();
}
