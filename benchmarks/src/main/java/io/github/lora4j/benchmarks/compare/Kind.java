package io.github.lora4j.benchmarks.compare;

import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** What is measured, with the columns of its table. */
enum Kind {
  /** Training steps of one size. */
  TRAIN(
      "Training steps",
      List.of(
          Metric.TOKENS_PER_SECOND,
          Metric.FORWARD_MS,
          Metric.BACKWARD_MS,
          Metric.OPTIMIZER_MS,
          Metric.PEAK_RSS_MB,
          Metric.PERCENT_OF_GEMM)),
  /** Training steps of a small model, with and without the fast passes. */
  FAMILY(
      "Families",
      List.of(
          Metric.TOKENS_PER_SECOND,
          Metric.PLAIN_TOKENS_PER_SECOND,
          Metric.FUSED_OVER_PLAIN,
          Metric.PEAK_RSS_MB)),
  /** Training steps on a base in 4 bits. */
  QLORA(
      "QLoRA",
      List.of(
          Metric.TOKENS_PER_SECOND,
          Metric.OVER_DENSE,
          Metric.LOAD_S,
          Metric.LOAD_PEAK_MB,
          Metric.LOADED_MB,
          Metric.BITS_PER_WEIGHT,
          Metric.PEAK_RSS_MB)),
  /** A weight of 4 bits decoded. */
  DECODE(
      "Decoding",
      List.of(Metric.DECODE_F32_GB_PER_S, Metric.DECODE_BF16_GB_PER_S, Metric.COPY_GB_PER_S)),
  /** Examples of realistic lengths through a trainer. */
  SFT(
      "Supervised fine-tuning",
      List.of(Metric.TOKENS_PER_SECOND, Metric.STEP_MS, Metric.PEAK_RSS_MB)),
  /** Texts of realistic lengths through a trainer, with a head for classes. */
  CLASSIFY(
      "Sequence classification",
      List.of(Metric.TOKENS_PER_SECOND, Metric.STEP_MS, Metric.PEAK_RSS_MB)),
  /** A process from its start. */
  STARTUP("Start", List.of(Metric.STARTUP_S, Metric.PEAK_RSS_MB)),
  /** Greedy generation. */
  GENERATE(
      "Generation",
      List.of(
          Metric.TOKENS_PER_SECOND, Metric.MS_PER_TOKEN, Metric.PREFILL_MS, Metric.PEAK_RSS_MB)),
  /** Bare products and copies, the yardstick of the rest. */
  LIMITS("Limits", List.of(Metric.F32_GFLOPS, Metric.BF16_GFLOPS, Metric.COPY_GB_PER_S));

  private final String title;
  private final List<Metric> metrics;

  Kind(String title, List<Metric> metrics) {
    this.title = title;
    this.metrics = metrics;
  }

  /** A heading for its table. */
  String title() {
    return title;
  }

  /** The columns. */
  List<Metric> metrics() {
    return metrics;
  }

  /** The package that it needs on the other side beside those that all need. */
  Optional<String> needs() {
    return switch (this) {
      case SFT -> Optional.of("trl");
      case QLORA, DECODE -> Optional.of("bitsandbytes");
      default -> Optional.empty();
    };
  }

  /** The script of {@code benchmarks/python} that measures it on the other side. */
  String script() {
    return (this == FAMILY ? TRAIN : this).name().toLowerCase(Locale.ROOT) + ".py";
  }
}
