package io.github.lora4j.benchmarks.kernels;

import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Generator;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.infra.BenchmarkParams;
import org.openjdk.jmh.infra.IterationParams;
import org.openjdk.jmh.runner.IterationType;

/**
 * A kernel that says in the end how close it came to its floor: the time that the machine needs for
 * the kernel's bare products, or to move its bare bytes, whichever is longer.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 2, time = 1)
@Measurement(iterations = 3, time = 1)
@Fork(1)
public abstract class KernelBenchmark {

  /** Before the first call nothing is known but that there may be products. */
  private static final Work ANY = new Work(1, Double.MAX_VALUE);

  private final Stopwatch stopwatch = new Stopwatch();
  private final Deque<AutoCloseable> owned = new ArrayDeque<>();
  private final Generator generator = own(Generator.of(1));
  private Optional<Limits> atStart = Optional.empty();
  private boolean measuring;
  private Work work = Work.ofBytes(0);

  /** For the kernels. */
  KernelBenchmark() {}

  /** One call of the kernel. */
  final void measure(Work needed, Runnable call) {
    work = needed;
    if (measuring) {
      stopwatch.time(call);
    } else {
      call.run();
    }
  }

  /** Has something closed in the end, the last one first. */
  final <T extends AutoCloseable> T own(T resource) {
    owned.push(resource);
    return resource;
  }

  /** Normally distributed numbers, closed in the end. */
  final Tensor random(DType dtype, long... shape) {
    try (TensorScope scope = TensorScope.open()) {
      return own(TensorScope.keep(Tensor.normal(0, 1, generator, shape).to(dtype)));
    }
  }

  /** The dtype of the matrix products. */
  abstract DType dtype();

  /** What the machine reaches now. */
  Limits limits(Work of) {
    return Limits.measure(dtype(), of);
  }

  /** JMH keeps its times to itself, so the calls of its measurements are timed here once more. */
  @Setup(Level.Iteration)
  public final void begin(IterationParams iteration) {
    if (atStart.isEmpty()) {
      atStart = Optional.of(limits(ANY));
    }
    measuring = iteration.getType() == IterationType.MEASUREMENT;
  }

  /** Prints the time, the floor and the fraction reached, and frees everything. */
  @TearDown
  public final void report(BenchmarkParams params) throws Exception {
    if (!stopwatch.isEmpty()) {
      // Taken twice, since something else may be running at one of the times.
      Limits limits = limits(work).best(atStart.orElseThrow());
      System.out.printf("%n%s: %s%n", name(params), comparison(limits));
    }
    while (!owned.isEmpty()) {
      owned.pop().close();
    }
  }

  private String comparison(Limits limits) {
    double ms = stopwatch.meanMs();
    double compute = limits.computeMs(work);
    double move = limits.moveMs(work);
    boolean computing = compute >= move;
    double floor = Math.max(compute, move);
    return String.format(
        Locale.ROOT,
        "%.3f ms, floor %.3f ms (%.4g %s at %.1f %s), %.1f%% of the limit",
        ms,
        floor,
        computing ? work.flops() / 1e9 : work.bytes() / 1e6,
        computing ? "GFLOPs" : "MB",
        (computing ? limits.flopsPerMs() : limits.bytesPerMs()) / 1e6,
        computing ? "GFLOPs/s" : "GB/s",
        100 * floor / ms);
  }

  private static String name(BenchmarkParams params) {
    String[] parts = params.getBenchmark().split("\\.");
    StringBuilder name = new StringBuilder(parts[parts.length - 2]);
    name.append('.').append(parts[parts.length - 1]);
    for (String key : params.getParamsKeys()) {
      name.append(' ').append(key).append('=').append(params.getParam(key));
    }
    return name.toString();
  }
}
