package io.github.lora4j.model;

import io.github.lora4j.data.Batch;
import io.github.lora4j.nn.ForwardContext;
import io.github.lora4j.nn.LinearLayer;
import io.github.lora4j.tensor.NativeMemory;
import io.github.lora4j.tensor.NoGrad;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;

/**
 * A decoder whose last token's hidden state is scored: {@code
 * transformers.AutoModelForSequenceClassification}.
 *
 * <p>It evaluates checkpoints that have their {@code score} head; training one is not built yet.
 */
public final class SequenceClassifier implements AutoCloseable {

  private final ModelConfig config;
  private final ScoredLayers layers;
  private boolean closed;

  SequenceClassifier(ModelConfig config, ScoredLayers layers) {
    this.config = config;
    this.layers = layers;
  }

  /** The configuration it was loaded with. */
  public ModelConfig config() {
    return config;
  }

  /** The number of scores of a sequence. */
  public int numLabels() {
    return layers.score().outFeatures();
  }

  /**
   * Scores sequences at their last token that isn't padding, without gradients.
   *
   * <p>Tokens equal to {@code pad_token_id} of the configuration count as padding even where the
   * mask has them, as in transformers, unless a sequence has no others.
   *
   * @return {@code [batch, numLabels]} in the model's dtype, in the caller's scope
   */
  public Tensor logits(Batch batch) {
    if (closed) {
      throw new IllegalStateException("This model is closed.");
    }
    Decoder decoder = layers.decoder();
    ModelInputs.requireKnown(batch.inputIds(), decoder.spec().vocabSize());
    ForwardContext context = ForwardContext.eval();
    try (TensorScope scope = TensorScope.open();
        NoGrad noGrad = NoGrad.open()) {
      ModelInputs inputs = ModelInputs.of(batch, decoder.device());
      Tensor hidden =
          decoder.forward(inputs.ids(), inputs.positions(), inputs.visible(), List.of(), context);
      Tensor last =
          hidden
              .reshape(hidden.size(0) * hidden.size(1), hidden.size(2))
              .indexSelect(
                  0,
                  Tensor.of(lastTokens(batch, config.integer("pad_token_id")), batch.size())
                      .to(decoder.device()));
      LinearLayer score = layers.score();
      return scope.handOver(score.forward(decoder.normed(last), context));
    }
  }

  private static long[] lastTokens(Batch batch, OptionalInt padTokenId) {
    long[] last = new long[batch.size()];
    boolean[] real = new boolean[batch.size()];
    int[] mask = batch.attentionMask();
    Arrays.fill(last, -1);
    for (int i = 0; i < mask.length; i++) {
      int row = i / batch.length();
      boolean isPad = padTokenId.isPresent() && batch.inputIds()[i] == padTokenId.getAsInt();
      if (mask[i] == 1 && (!isPad || !real[row])) {
        last[row] = i;
        real[row] |= !isPad;
      }
    }
    for (int row = 0; row < last.length; row++) {
      if (last[row] < 0) {
        throw new IllegalArgumentException(
            "attention_mask[" + row + "]: expected at least one token, found padding alone");
      }
    }
    return last;
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      layers.close();
      NativeMemory.release();
    }
  }
}
