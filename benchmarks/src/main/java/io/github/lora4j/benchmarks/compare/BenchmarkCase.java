package io.github.lora4j.benchmarks.compare;

import io.github.lora4j.tensor.DType;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * One line of a table.
 *
 * @param name what {@code --cases} chooses it by
 * @param kind what is measured
 * @param model the base; empty where none is needed
 * @param dtype what the base is loaded in
 * @param adapter what is put around the base
 * @param variant what differs from the plain case
 * @param batch rows
 * @param length tokens in a row or a prompt; for fine-tuning the most tokens in a row
 * @param warmup steps that don't count
 * @param steps steps that count
 */
record BenchmarkCase(
    String name,
    Kind kind,
    Optional<RandomModel> model,
    DType dtype,
    Adapter adapter,
    Variant variant,
    int batch,
    int length,
    int warmup,
    int steps) {

  /** Tokens that generation adds to each prompt. */
  static final int NEW_TOKENS = 128;

  /**
   * Whether only its name brings it up: the tiny model tries the benchmarks themselves, the largest
   * wants 14 GB of disk.
   */
  boolean isHidden() {
    return model.equals(Optional.of(Shape.T)) || model.equals(Optional.of(Shape.XL));
  }

  /** The sizes of the model, where it has those of a well-known one. */
  Optional<Shape> shape() {
    return model.filter(Shape.class::isInstance).map(Shape.class::cast);
  }

  /** The same with another number of steps that count, where they are only repetitions. */
  BenchmarkCase withSteps(int count) {
    if (kind == Kind.LIMITS || kind == Kind.DECODE || kind == Kind.STARTUP) {
      return this;
    }
    return new BenchmarkCase(
        name, kind, model, dtype, adapter, variant, batch, length, warmup, count);
  }

  /** What a child is told. */
  Task task(Path models) {
    String folder = model.map(m -> models.resolve(m.name()).toString()).orElse("");
    List<String> targets = adapter.targets();
    return new Task(
        kind,
        folder,
        dtype.torchName(),
        adapter.r(),
        adapter.alpha(),
        targets,
        variant,
        batch,
        length,
        NEW_TOKENS,
        warmup,
        steps,
        0);
  }
}
