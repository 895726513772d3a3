package io.github.lora4j.model;

/**
 * A linear layer that is to be built.
 *
 * @param name the module's name in the model
 * @param outFeatures the size of the last dimension of its output
 * @param inFeatures the size of the last dimension of its input
 * @param inputFirst whether checkpoints store a dense weight of it {@code [in, out]}: transformers'
 *     {@code Conv1D}
 * @param head whether it makes the model's output: {@code lm_head} or {@code score}
 */
public record LinearShape(
    String name, int outFeatures, int inFeatures, boolean inputFirst, boolean head) {

  /** The shape in which a checkpoint holds the weight while it is dense. */
  long[] denseShape() {
    return inputFirst ? new long[] {inFeatures, outFeatures} : new long[] {outFeatures, inFeatures};
  }
}
