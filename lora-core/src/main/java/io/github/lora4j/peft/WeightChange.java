package io.github.lora4j.peft;

/**
 * What quantizing a merged weight again cost, measured on one layer.
 *
 * @param module the layer's name
 * @param ofWeight the length of the difference between the merged weight and what is left of it,
 *     relative to the merged weight's (Frobenius norms)
 * @param ofUpdate the same relative to what the adapters added: 1 and more mean that the rounding
 *     is as large as all that was learnt
 */
public record WeightChange(String module, double ofWeight, double ofUpdate) {}
