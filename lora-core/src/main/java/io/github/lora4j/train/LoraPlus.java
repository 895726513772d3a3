package io.github.lora4j.train;

import io.github.lora4j.tensor.Tensor;

/**
 * LoRA+ (Hayou, Ghosh and Yu, "LoRA+: Efficient Low Rank Adaptation of Large Models", 2024): the
 * matrices B learn faster than the matrices A.
 *
 * <p>The groups are those of {@code peft.optimizers.create_loraplus_optimizer}.
 */
final class LoraPlus {

  private LoraPlus() {}

  /** What the schedule's rate is multiplied by for this parameter; 1 without LoRA+. */
  static double scale(String name, Tensor tensor, TrainingArguments args) {
    if (args.loraplusLrRatio().isEmpty()) {
      return 1;
    }
    if (name.contains("lora_embedding_")) {
      return args.loraplusLrEmbedding() / args.learningRate();
    }
    boolean fast = name.contains("lora_B") || tensor.dim() == 1;
    return fast ? args.loraplusLrRatio().getAsDouble() : 1;
  }
}
