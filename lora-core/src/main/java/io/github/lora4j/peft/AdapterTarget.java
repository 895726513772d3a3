package io.github.lora4j.peft;

/**
 * A linear layer that gets an adapter.
 *
 * @param module its name in the checkpoint
 * @param r the rank of its adapter
 * @param alpha the numerator of the scaling
 * @param scaling what the update B·A is multiplied by
 */
record AdapterTarget(String module, int r, double alpha, double scaling) {}
