package io.github.lora4j.train;

import io.github.lora4j.tensor.Tensor;

/**
 * One parameter as an optimizer sees it: what torch's parameter groups say, for a single one.
 *
 * @param name the checkpoint's, such as {@code model.layers.0.self_attn.q_proj.lora_A.weight}
 * @param tensor a leaf that collects gradients; borrowed
 * @param weightDecay of this parameter: 0 for biases and norms, whatever the arguments say
 * @param learningRateScale what the schedule's rate is multiplied by; 1 but for LoRA+
 */
public record OptimizedParameter(
    String name, Tensor tensor, double weightDecay, double learningRateScale) {}
