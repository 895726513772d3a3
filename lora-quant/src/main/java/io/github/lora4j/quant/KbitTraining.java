package io.github.lora4j.quant;

import io.github.lora4j.model.DecoderModel;
import io.github.lora4j.nn.DenseLinear;
import io.github.lora4j.nn.Embedding;
import io.github.lora4j.nn.EmbeddingLayer;
import io.github.lora4j.nn.ExpertLinear;
import io.github.lora4j.nn.LayerChange;
import io.github.lora4j.nn.LinearLayer;
import io.github.lora4j.nn.Norm;
import io.github.lora4j.nn.StackedLinear;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.NoGrad;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.Optional;

/**
 * Makes a quantized model's activations float32 for training: PEFT's {@code
 * prepare_model_for_kbit_training}.
 *
 * <p>Optional: a model in bfloat16 trains without it, with less memory and less precision between
 * its layers. What PEFT does besides needs no call here: parameters are frozen when they are
 * loaded, and recomputation is a training argument ({@code gradientCheckpointing}).
 */
public final class KbitTraining {

  private KbitTraining() {}

  /**
   * Prepares a model and leaves its embeddings and its head in their dtype: {@link
   * #prepareModelForKbitTraining(DecoderModel, boolean)} without the cast.
   */
  public static <M extends DecoderModel> M prepareModelForKbitTraining(M model) {
    return prepareModelForKbitTraining(model, false);
  }

  /**
   * Makes a model whose norms, and other parameters that aren't quantized, are float32, so that its
   * activations are, too.
   *
   * <p>Unlike in PEFT, the embeddings and the head stay in 16 bits unless asked for: as matrices of
   * the vocabulary they are often the larger half of what isn't quantized, and are only looked up
   * in or multiplied by once. The vectors that are looked up become float32, and the head's input
   * is rounded to the head's dtype.
   *
   * @param model frozen; stays as it is, and stays its owner's to close
   * @param castEmbeddingsAndHead whether those become float32, too, as in PEFT
   * @return a model of its own for the caller to close, which shares the quantized weights with the
   *     given one and may outlive it
   * @throws IllegalStateException if parameters of the model are set to learn
   */
  // shareWith gives the same kind of model as it is called on; Java can't say that without
  // burdening every user.
  @SuppressWarnings("unchecked")
  public static <M extends DecoderModel> M prepareModelForKbitTraining(
      M model, boolean castEmbeddingsAndHead) {
    if (!model.trainableParameters().isEmpty()) {
      throw new IllegalStateException(
          "Parameters of this model are set to learn: prepare the base before an adapter is put"
              + " around it, and call requiresGrad(false) on it first.");
    }
    try (TensorScope scope = TensorScope.open();
        NoGrad noGrad = NoGrad.open()) {
      return (M) model.shareWith(new Widening(model.headName(), castEmbeddingsAndHead));
    }
  }

  /** Replaces what isn't quantized by the same in float32. */
  private record Widening(String head, boolean everything) implements LayerChange {

    private static Tensor wide(Tensor parameter) {
      return TensorScope.keep(parameter.to(DType.F32).alias());
    }

    @Override
    public LinearLayer apply(LinearLayer layer) {
      return layer instanceof DenseLinear dense && (everything || !layer.name().equals(head))
          ? wide(dense)
          : layer.share();
    }

    private static DenseLinear wide(DenseLinear dense) {
      Optional<Tensor> bias = dense.bias().map(Widening::wide);
      return dense.isInputFirst()
          ? DenseLinear.ofInputFirst(
              dense.name(), wide(dense.weight().transpose(0, 1).contiguous()), bias)
          : new DenseLinear(dense.name(), wide(dense.weight()), bias);
    }

    @Override
    public LinearLayer router(LinearLayer router) {
      return router instanceof DenseLinear dense ? wide(dense) : router;
    }

    @Override
    public ExpertLinear experts(ExpertLinear experts) {
      return experts instanceof StackedLinear stacked
          ? new StackedLinear(stacked.name(), wide(stacked.weight()))
          : experts;
    }

    @Override
    public Norm norm(Norm norm) {
      return norm.with(norm.name(), Widening::wide);
    }

    @Override
    public EmbeddingLayer embedding(EmbeddingLayer table) {
      return table instanceof Embedding plain
          ? new Embedding(
              plain.name(),
              everything ? wide(plain.weight()) : TensorScope.keep(plain.weight().alias()),
              DType.F32)
          : table;
    }

    @Override
    public LinearLayer tiedHead(LinearLayer tied, EmbeddingLayer table) {
      return everything && tied instanceof DenseLinear dense && table instanceof Embedding plain
          ? new DenseLinear(
              tied.name(),
              TensorScope.keep(plain.weight().alias()),
              dense.bias().map(Widening::wide))
          : tied.share();
    }
  }
}
