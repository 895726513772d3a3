package io.github.lora4j.benchmarks.compare;

import java.util.List;

/** The adapters that most people train. */
enum Adapter {
  /** Rank 8 on queries and values: PEFT's defaults. */
  QV8(8, 16, List.of("q_proj", "v_proj")),
  /** Rank 16 on all linear layers. */
  ALL16(
      16, 32, List.of("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")),
  /** The same by the word that stands for all linear layers of any family. */
  LINEAR16(16, 32, List.of("all-linear"));

  private final int r;
  private final int alpha;
  private final List<String> targets;

  Adapter(int r, int alpha, List<String> targets) {
    this.r = r;
    this.alpha = alpha;
    this.targets = targets;
  }

  int r() {
    return r;
  }

  int alpha() {
    return alpha;
  }

  /** Names of the layers that carry it. */
  List<String> targets() {
    return targets;
  }
}
