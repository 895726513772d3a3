package io.github.lora4j.peft;

/**
 * A layer that {@link InitLoraWeights#EVA} looks for a beginning of.
 *
 * @param name the module's
 * @param inFeatures the length of its inputs
 * @param rank what the configuration gives it
 */
record EvaLayer(String name, int inFeatures, int rank) {}
