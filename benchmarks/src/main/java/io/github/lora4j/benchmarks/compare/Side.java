package io.github.lora4j.benchmarks.compare;

/** Who is measured. */
enum Side {
  /** This library. */
  OURS("LoRA4J"),
  /** PEFT with transformers, and TRL for supervised fine-tuning. */
  THEIRS("PEFT");

  private final String title;

  Side(String title) {
    this.title = title;
  }

  /** A name for people. */
  String title() {
    return title;
  }
}
