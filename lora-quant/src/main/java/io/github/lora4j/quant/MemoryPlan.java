package io.github.lora4j.quant;

import io.github.lora4j.model.ModelConfig;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/**
 * How much memory a training run on the CPU will take, by part, in bytes: reckoned from {@code
 * config.json} alone, before anything is loaded.
 *
 * <pre>{@code
 * MemoryPlan plan = MemoryPlan.of(Path.of("models/Qwen2.5-1.5B"))
 *     .dtype(DType.BF16).lora(lora).batchSize(4).sequenceLength(512).gradientCheckpointing(true)
 *     .estimate();
 * if (!plan.fits("8GB")) {
 *   System.err.println(plan);
 * }
 * }</pre>
 *
 * <p>Counted is the resident memory of the process, mapped files included. It was within 10% of
 * what was measured on Linux ({@code docs/MEMORY.md}); the Java heap beyond 100 MB, which data sets
 * may take, comes on top.
 *
 * @param runtime the JVM and libtorch before a model is there
 * @param weights of the model as they are held
 * @param adapter what learns beside them
 * @param gradients of all that learns
 * @param optimizer its states
 * @param activations what blocks keep for the way back
 * @param loss scores of a chunk of positions and their gradient, or where it is more, the
 *     temporaries of a block's way back
 * @param scratch the largest quantized weight, decoded
 * @param overhead what the heap, compiled code and the libraries' buffers grow to while training,
 *     and freed memory between tensors that no other tensor fits into
 * @param loading what loading takes beside the weights: pages of files that are converted from
 */
public record MemoryPlan(
    long runtime,
    long weights,
    long adapter,
    long gradients,
    long optimizer,
    long activations,
    long loss,
    long scratch,
    long overhead,
    long loading) {

  /** Starts with a Hugging Face folder, of which only {@code config.json} is read. */
  public static MemoryPlanBuilder of(Path modelDir) {
    return of(ModelConfig.load(modelDir));
  }

  /** Starts with a configuration. */
  public static MemoryPlanBuilder of(ModelConfig config) {
    return new MemoryPlanBuilder(config);
  }

  /** What a step holds at once, at most. */
  public long training() {
    return runtime
        + weights
        + adapter
        + gradients
        + optimizer
        + activations
        + loss
        + scratch
        + overhead;
  }

  /** The most that is held at once, while loading or training. */
  public long peak() {
    return Math.max(runtime + weights + adapter + loading, training());
  }

  /** Whether the peak is at most this many bytes. */
  public boolean fits(long bytes) {
    return peak() <= bytes;
  }

  /**
   * Whether the peak is at most an amount of memory.
   *
   * @param memory such as {@code 8GB}, {@code 512MB} (powers of 1,000) or {@code 7.5 GiB} (powers
   *     of 1,024)
   * @throws IllegalArgumentException if it isn't written so
   */
  public boolean fits(String memory) {
    return fits(ByteSize.parse(memory));
  }

  /** A table of all parts. */
  @Override
  public String toString() {
    Map<String, Long> rows = new LinkedHashMap<>();
    rows.put("JVM and libtorch", runtime);
    rows.put("weights", weights);
    rows.put("adapter", adapter);
    rows.put("gradients", gradients);
    rows.put("optimizer", optimizer);
    rows.put("activations", activations);
    rows.put("loss or block", loss);
    rows.put("decoded weight", scratch);
    rows.put("overhead", overhead);
    rows.put("training", training());
    rows.put("loading", runtime + weights + adapter + loading);
    rows.put("peak", peak());
    StringBuilder table = new StringBuilder();
    rows.forEach(
        (name, bytes) ->
            table.append(String.format(Locale.ROOT, "%-18s %12s%n", name, ByteSize.format(bytes))));
    return table.toString();
  }
}
