package io.github.lora4j.peft;

import io.github.lora4j.nn.Embedding;
import io.github.lora4j.nn.ForwardContext;
import io.github.lora4j.nn.LinearLayer;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Functional;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.List;
import java.util.Optional;
import java.util.function.BiConsumer;

/**
 * A head that multiplies by the embedding's table and follows what adapters make of that: rows of
 * tokens always, whole copies and low-rank updates where {@code ensureWeightTying} asks for it.
 */
final class TiedHead implements LinearLayer {

  private final LinearLayer head;
  private final AdaptedEmbedding table;
  private final TiedAdapters tied;

  /** Which adapters' copies of the table are the head's too. */
  @FunctionalInterface
  interface TiedAdapters {
    boolean contains(String adapter);
  }

  /**
   * Looks at a head.
   *
   * @param head over the base's table, with or without adapters of its own
   */
  TiedHead(LinearLayer head, AdaptedEmbedding table, TiedAdapters tied) {
    this.head = head;
    this.table = table;
    this.tied = tied;
  }

  /** The layer without what comes from the table. */
  LinearLayer head() {
    return head;
  }

  @Override
  public Tensor forward(Tensor x, ForwardContext context) {
    if (!table.isEnabled()) {
      return head.forward(x, context);
    }
    Embedding merged = table.merged();
    if (merged == null) {
      return forward(x, context, table.active());
    }
    return follows(table.inside())
        ? Functional.linear(x, merged.weight())
        : head.forward(x, context);
  }

  private Tensor forward(Tensor x, ForwardContext context, List<String> adapters) {
    try (TensorScope scope = TensorScope.open()) {
      for (String adapter : adapters) {
        if (replaces(adapter)) {
          return scope.handOver(follow(byCopy(x, adapter), x, adapters));
        }
      }
      return scope.handOver(follow(head.forward(x, context), x, adapters));
    }
  }

  /**
   * What one adapter makes of the base's scores, whichever are active.
   *
   * @param y what the base's head made of {@code x}, overwritten
   */
  Tensor adapt(Tensor y, Tensor x, ForwardContext context, String adapter) {
    Tensor own = head instanceof AdaptedLinear layer ? layer.adapt(y, x, context, adapter) : y;
    return follow(replaces(adapter) ? byCopy(x, adapter) : own, x, List.of(adapter));
  }

  private boolean replaces(String adapter) {
    return copy(adapter).isPresent();
  }

  private Optional<TableCopy> copy(String adapter) {
    return tied.contains(adapter) ? table.parts().get(adapter, TableCopy.class) : Optional.empty();
  }

  private Optional<EmbeddingUpdate> update(String adapter) {
    return tied.contains(adapter)
        ? table.parts().get(adapter, EmbeddingUpdate.class)
        : Optional.empty();
  }

  private Tensor byCopy(Tensor x, String adapter) {
    return Functional.linear(x, copy(adapter).orElseThrow().table().to(x.dtype()));
  }

  private Tensor follow(Tensor y, Tensor x, List<String> adapters) {
    Tensor sum = y;
    for (String adapter : adapters) {
      for (TokenRows rows : table.parts().of(List.of(adapter), TokenRows.class)) {
        sum = rows.rescore(sum, x, table.table(adapters));
      }
      Optional<EmbeddingUpdate> update = update(adapter);
      if (update.isPresent()) {
        sum = update.get().rescore(sum, x);
      }
    }
    return sum;
  }

  /** Whether one of these adapters changes what the head multiplies by. */
  boolean follows(List<String> adapters) {
    return adapters.stream()
        .anyMatch(
            adapter ->
                table.parts().get(adapter, TokenRows.class).isPresent()
                    || replaces(adapter)
                    || update(adapter).isPresent());
  }

  @Override
  public String name() {
    return head.name();
  }

  @Override
  public int inFeatures() {
    return head.inFeatures();
  }

  @Override
  public int outFeatures() {
    return head.outFeatures();
  }

  @Override
  public DType dtype() {
    return head.dtype();
  }

  @Override
  public Device device() {
    return head.device();
  }

  /** Refused: an adapter has one owner; merge it to get a layer of its own. */
  @Override
  public LinearLayer share() {
    throw new UnsupportedOperationException(
        name() + ": a head that follows an adapter can't be shared; merge it first.");
  }

  @Override
  public void forEachParameter(BiConsumer<String, Tensor> visitor) {
    head.forEachParameter(visitor);
  }

  /** Nothing is owned. */
  @Override
  public void close() {}
}
