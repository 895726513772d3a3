package io.github.lora4j.benchmarks.compare;

import java.util.Locale;

/** A number that a child measures, or that follows from what it measures. */
enum Metric {
  /** Tokens that are no padding, by the second. */
  TOKENS_PER_SECOND("tokens/s", 0),
  /** The same with every gradient left to libtorch: ours alone. */
  PLAIN_TOKENS_PER_SECOND("plain tokens/s", 0),
  /** How many times faster than the plain way: ours alone. */
  FUSED_OVER_PLAIN("fused / plain", 2),
  /** The speed over that of the same step on a base that isn't quantized. */
  OVER_DENSE("of bf16's speed", 2),
  /** From a folder to a model. */
  LOAD_S("load s", 1),
  /** The most resident memory while loading, in 10^6 bytes. */
  LOAD_PEAK_MB("peak while loading MB", 0),
  /** Resident memory that a loaded model adds, in 10^6 bytes. */
  LOADED_MB("loaded MB", 0),
  /** Bits that a quantized weight takes, its scales included. */
  BITS_PER_WEIGHT("bits a weight", 3),
  /** A whole training step. */
  STEP_MS("step ms", 0),
  /** A pass without gradients up to the loss. */
  FORWARD_MS("forward ms", 0),
  /** The training pass less the forward pass. */
  BACKWARD_MS("backward ms", 0),
  /** What is left of a training step. */
  OPTIMIZER_MS("optimizer ms", 1),
  /** The most resident memory after loading, in 10^6 bytes. */
  PEAK_RSS_MB("peak RSS MB", 0),
  /** Useful work of a training step over what a bare matrix product reaches here, in percent. */
  PERCENT_OF_GEMM("% of GEMM", 0),
  /** From the start of the process to the end of its first training step. */
  STARTUP_S("first step after s", 2),
  /** The prompt and the first token. */
  PREFILL_MS("prompt ms", 1),
  /** One more token for each row. */
  MS_PER_TOKEN("ms per step", 1),
  /** A large product in float32. */
  F32_GFLOPS("f32 GFLOP/s", 0),
  /** A large product in bfloat16. */
  BF16_GFLOPS("bf16 GFLOP/s", 0),
  /** Bytes of codes and scales read, and of float32 written, while decoding a weight. */
  DECODE_F32_GB_PER_S("to f32 GB/s", 1),
  /** The same to bfloat16. */
  DECODE_BF16_GB_PER_S("to bf16 GB/s", 1),
  /** Bytes read and written while copying. */
  COPY_GB_PER_S("copy GB/s", 1),
  /** Loss of the first step, in no table: it shows that both sides did the same work. */
  FIRST_LOSS("first loss", 4),
  /** What other processes took of the machine meanwhile, in no table. */
  OTHERS_PERCENT("% for others", 0);

  private final String heading;
  private final int decimals;

  Metric(String heading, int decimals) {
    this.heading = heading;
    this.decimals = decimals;
  }

  /** The name in a child's JSON. */
  String key() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** The heading of a column. */
  String heading() {
    return heading;
  }

  /** Whether the other side has nothing like it. */
  boolean isOurs() {
    return this == PLAIN_TOKENS_PER_SECOND || this == FUSED_OVER_PLAIN;
  }

  /** The number as a table shows it. */
  String format(double value) {
    return String.format(Locale.ROOT, "%,." + decimals + "f", value);
  }
}
