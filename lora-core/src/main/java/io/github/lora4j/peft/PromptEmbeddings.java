package io.github.lora4j.peft;

import io.github.lora4j.nn.ForwardContext;
import io.github.lora4j.nn.VirtualTokens;
import io.github.lora4j.tensor.Tensor;
import java.util.function.BiConsumer;

/**
 * Virtual tokens that are learnt as they are.
 *
 * @param weight float32 {@code [count, embeddingDim]}; owned
 */
record PromptEmbeddings(Tensor weight) implements VirtualTokens {

  @Override
  public int count() {
    return Math.toIntExact(weight.size(0));
  }

  @Override
  public Tensor vectors(ForwardContext context) {
    return weight;
  }

  @Override
  public void forEachParameter(BiConsumer<String, Tensor> visitor) {
    visitor.accept("prompt_encoder.embedding.weight", weight);
  }

  @Override
  public void close() {
    weight.close();
  }
}
