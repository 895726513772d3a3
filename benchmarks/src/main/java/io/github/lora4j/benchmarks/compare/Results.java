package io.github.lora4j.benchmarks.compare;

import io.github.lora4j.tensor.DType;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalDouble;
import java.util.stream.DoubleStream;
import java.util.stream.Stream;

/** What was measured, and the medians of it. */
final class Results {

  private record Key(BenchmarkCase measured, Side side) {}

  private final Map<Key, List<Map<String, Double>>> lines = new LinkedHashMap<>();

  /** Puts one line of a child down. */
  void add(BenchmarkCase measured, Side side, Map<String, Double> line) {
    lines.computeIfAbsent(new Key(measured, side), key -> new ArrayList<>()).add(line);
  }

  /** The cases of a kind that some side finished. */
  List<BenchmarkCase> cases(Kind kind) {
    return lines.keySet().stream()
        .map(Key::measured)
        .filter(c -> c.kind() == kind)
        .distinct()
        .toList();
  }

  /** Whether a side finished a case. */
  boolean has(BenchmarkCase measured, Side side) {
    return lines.containsKey(new Key(measured, side));
  }

  /** The median over the rounds; empty where nothing was measured. */
  OptionalDouble median(BenchmarkCase measured, Side side, Metric metric) {
    if (metric == Metric.PERCENT_OF_GEMM) {
      return percentOfGemm(measured, side);
    }
    double median = Timing.median(values(measured, side, metric));
    return Double.isNaN(median) ? OptionalDouble.empty() : OptionalDouble.of(median);
  }

  private DoubleStream values(BenchmarkCase measured, Side side, Metric metric) {
    return lines.getOrDefault(new Key(measured, side), List.of()).stream()
        .map(line -> line.get(metric.key()))
        .filter(Objects::nonNull)
        .mapToDouble(Double::doubleValue);
  }

  /** The largest of both sides and all rounds; 0 where nothing was measured. */
  double largest(BenchmarkCase measured, Metric metric) {
    return Stream.of(Side.values())
        .flatMapToDouble(side -> values(measured, side, metric))
        .max()
        .orElse(0);
  }

  private OptionalDouble percentOfGemm(BenchmarkCase measured, Side side) {
    Metric limit = measured.dtype() == DType.BF16 ? Metric.BF16_GFLOPS : Metric.F32_GFLOPS;
    // One yardstick for both sides: the better of the two libraries' products.
    OptionalDouble peak =
        cases(Kind.LIMITS).stream()
            .flatMapToDouble(
                limits ->
                    Stream.of(Side.values())
                        .flatMapToDouble(s -> median(limits, s, limit).stream()))
            .max();
    OptionalDouble step = median(measured, side, Metric.STEP_MS);
    if (peak.isEmpty() || step.isEmpty()) {
      return OptionalDouble.empty();
    }
    double flops =
        Flops.ofStep(
            measured.shape().orElseThrow(),
            measured.adapter(),
            measured.batch(),
            measured.length());
    return OptionalDouble.of(100 * flops / 1e6 / step.getAsDouble() / peak.getAsDouble());
  }
}
