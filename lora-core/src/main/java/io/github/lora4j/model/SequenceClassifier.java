package io.github.lora4j.model;

import io.github.lora4j.data.Batch;
import io.github.lora4j.data.LabelMap;
import io.github.lora4j.data.SequenceLabels;
import io.github.lora4j.nn.DenseLinear;
import io.github.lora4j.nn.EmbeddingLayer;
import io.github.lora4j.nn.ForwardContext;
import io.github.lora4j.nn.KeyValuePrefix;
import io.github.lora4j.nn.LayerChange;
import io.github.lora4j.nn.LinearLayer;
import io.github.lora4j.nn.Norm;
import io.github.lora4j.nn.VirtualTokens;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.NativeMemory;
import io.github.lora4j.tensor.NoGrad;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;

/**
 * A decoder whose last token's hidden state is scored: {@code
 * transformers.AutoModelForSequenceClassification}.
 *
 * <p>It learns from batches with {@link Batch#sequenceLabels labels of whole sequences}; the loss
 * is {@link ProblemType}'s. Its parameters are frozen when it is loaded; {@link #requiresGrad}
 * makes all of them learn. Evaluation may run in several threads at once; training must not.
 */
public final class SequenceClassifier implements DecoderModel {

  private final ModelConfig config;
  private final ModelFamily family;
  private final ScoredLayers layers;
  private final LabelMap labels;
  private final LearntProblem problem;
  private final Optional<Path> source;
  private final boolean headIsFresh;
  private final boolean owner;
  private boolean closed;

  /**
   * A model.
   *
   * @param headIsFresh whether the head was drawn when the model was loaded
   * @param owner whether closing it frees the layers
   */
  SequenceClassifier(
      ModelConfig config,
      ModelFamily family,
      ScoredLayers layers,
      LabelMap labels,
      LearntProblem problem,
      Optional<Path> source,
      boolean headIsFresh,
      boolean owner) {
    this.config = config;
    this.family = family;
    this.layers = layers;
    this.labels = labels;
    this.problem = problem;
    this.source = source;
    this.headIsFresh = headIsFresh;
    this.owner = owner;
  }

  // ---- computing

  /**
   * Scores sequences at their last token that isn't padding, without gradients.
   *
   * <p>Tokens equal to {@code pad_token_id} of the configuration count as padding even where the
   * mask has them, as in transformers, unless a sequence has no others.
   *
   * @return {@code [batch, numLabels]} in the model's dtype, in the caller's scope
   * @throws IllegalArgumentException if there are several sequences and the configuration has no
   *     {@code pad_token_id}, as in transformers
   */
  public Tensor logits(Batch batch) {
    return logits(batch, ForwardContext.eval());
  }

  private Tensor logits(Batch batch, ForwardContext context) {
    requireOpen();
    try (TensorScope scope = TensorScope.open();
        NoGrad noGrad = NoGrad.open();
        var region = context.enter(device())) {
      PooledInputs in = PooledInputs.of(batch, padTokenId(), layers.decoder(), context);
      return scope.handOver(
          layers.scores(in.pooled().select(hidden(in.inputs(), context)), context));
    }
  }

  private Tensor hidden(ModelInputs inputs, ForwardContext context) {
    return layers
        .decoder()
        .forward(inputs.ids(), inputs.positions(), inputs.visible(), List.of(), context);
  }

  /**
   * {@inheritDoc}
   *
   * <p>The items of the sum are the sequences.
   *
   * @throws IllegalArgumentException if the batch has no labels of sequences, or such as don't fit
   *     the problem
   */
  @Override
  public double lossAndBackward(Batch batch, double scale, ForwardContext asked) {
    requireOpen();
    ForwardContext context = asked.forModelOf(dtype());
    try (TensorScope scope = TensorScope.open()) {
      PooledInputs in = PooledInputs.of(batch, padTokenId(), layers.decoder(), context);
      return new TrainingPass(layers.decoder(), context, top(batch, in.pooled(), context))
          .run(in.inputs(), scale);
    }
  }

  @Override
  public double loss(Batch batch, ForwardContext asked) {
    requireOpen();
    ForwardContext context = asked.forModelOf(dtype());
    try (TensorScope scope = TensorScope.open();
        NoGrad noGrad = NoGrad.open();
        var region = context.enter(device())) {
      PooledInputs in = PooledInputs.of(batch, padTokenId(), layers.decoder(), context);
      return top(batch, in.pooled(), context).value(hidden(in.inputs(), context));
    }
  }

  private ScoreTop top(Batch batch, PooledTokens pooled, ForwardContext context) {
    SequenceLabels given =
        batch
            .sequenceLabels()
            .orElseThrow(
                () ->
                    new IllegalArgumentException(
                        "A classifier learns labels of whole sequences, and this batch has none:"
                            + " make examples with ClassificationEncoder or"
                            + " TokenizedExample.labelled."));
    return new ScoreTop(layers, pooled, given, problem.of(given, numLabels()), context);
  }

  // ---- what it is

  @Override
  public ModelConfig config() {
    return config;
  }

  /** The names of the labels. */
  public LabelMap labels() {
    return labels;
  }

  /** The number of scores of a sequence. */
  public int numLabels() {
    return layers.score().outFeatures();
  }

  /** What it learns; empty as long as neither the configuration nor any labels have said. */
  public Optional<ProblemType> problemType() {
    return problem.known();
  }

  /**
   * Whether the head was drawn when the model was loaded, since the checkpoint has none: it has to
   * be trained.
   */
  public boolean headIsFresh() {
    return headIsFresh;
  }

  /** The token that counts as padding, where the configuration or the family names one. */
  public OptionalInt padTokenId() {
    return LabelSettings.padTokenId(config, family);
  }

  @Override
  public ModelFamily family() {
    return family;
  }

  @Override
  public String transformersClass() {
    return family.sequenceClassifierClass();
  }

  @Override
  public DecoderSpec spec() {
    return layers.decoder().spec();
  }

  @Override
  public Optional<Path> source() {
    return source;
  }

  @Override
  public Device device() {
    return layers.decoder().device();
  }

  /** The dtype of the embedding, and so of the hidden states. */
  public DType dtype() {
    return layers.decoder().dtype();
  }

  /** None: a classifier ends no texts. */
  @Override
  public List<Integer> eosTokenIds() {
    return List.of();
  }

  @Override
  public List<LinearLayer> linearLayers() {
    return layers.linearLayers();
  }

  @Override
  public List<EmbeddingLayer> embeddings() {
    return LayerLists.of(layers::withLinears).embeddings();
  }

  @Override
  public List<Norm> norms() {
    return LayerLists.of(layers::withLinears).norms();
  }

  @Override
  public String headName() {
    return layers.score().name();
  }

  @Override
  public Map<String, Tensor> parameters() {
    requireOpen();
    return layers.parameters();
  }

  /**
   * Makes all parameters learn, or freezes them.
   *
   * @throws IllegalStateException if they shall learn and some are quantized
   * @return this model
   */
  public SequenceClassifier requiresGrad(boolean required) {
    ParameterCount.requiresGrad(parameters(), required);
    return this;
  }

  /**
   * Makes some parameters learn, such as those of the last layers, and freezes all others.
   *
   * @param learning chooses parameters by their names, as {@link #parameters} has them
   * @return this model
   * @throws IllegalArgumentException if it chooses none
   * @throws IllegalStateException if one that it chooses is quantized
   */
  public SequenceClassifier requiresGrad(Predicate<String> learning) {
    ParameterCount.requiresGrad(parameters(), learning);
    return this;
  }

  // ---- other models over the same parameters

  @Override
  public SequenceClassifier withLinears(LayerChange change) {
    requireOpen();
    return over(config, layers.withLinears(change), false);
  }

  @Override
  public SequenceClassifier withLayers(List<Integer> order) {
    requireOpen();
    return over(LayerOrder.of(order, spec()).in(config), layers.withLayers(order), false);
  }

  @Override
  public SequenceClassifier withVirtualTokens(VirtualTokens virtual) {
    requireOpen();
    return over(config, layers.withVirtualTokens(virtual), false);
  }

  @Override
  public SequenceClassifier withPrefix(KeyValuePrefix prefix) {
    requireOpen();
    return over(config, layers.withPrefix(prefix), false);
  }

  @Override
  public SequenceClassifier shareWith(LayerChange change) {
    requireOpen();
    ScoredLayers shared = layers.shareWith(change);
    return over(Quantizations.written(config, shared.linearLayers()), shared, true);
  }

  private SequenceClassifier over(ModelConfig described, ScoredLayers others, boolean owning) {
    boolean sameHead =
        layers.score() instanceof DenseLinear mine
            && others.score() instanceof DenseLinear other
            && mine.weight().address() == other.weight().address();
    return new SequenceClassifier(
        described, family, others, labels, problem, source, headIsFresh && sameHead, owning);
  }

  /**
   * Writes a Hugging Face folder: {@code config.json} with the labels and the problem, the weights
   * in SafeTensors, and the tokenizer files of the folder that this model was loaded from.
   */
  @Override
  public void savePretrained(Path dir) {
    requireOpen();
    if (!owner) {
      throw new IllegalStateException(
          "This is a model seen through an adapter, which no checkpoint can hold: save the adapter"
              + " with PeftModel.savePretrained, or a merged model with"
              + " PeftModel.mergeAndUnload().savePretrained.");
    }
    LayerOrder.requireDescribed(spec(), family, config);
    try (TensorScope scope = TensorScope.open()) {
      Map<String, Tensor> stored =
          Quantizations.stored(parameters(), linearLayers(), family::storedName);
      PretrainedFolder.write(dir, savedConfig(), stored, source, family.carriedPrefixes());
    }
  }

  private ModelConfig savedConfig() {
    UnaryOperator<ModelConfig> withProblem =
        saved ->
            problem.known().map(type -> LabelSettings.withProblemType(saved, type)).orElse(saved);
    return withProblem.apply(
        LabelSettings.withLabels(config, labels)
            .withValue("architectures", List.of(transformersClass()))
            .with("dtype", dtype().torchName())
            .without("torch_dtype"));
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException("This model is closed.");
    }
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      if (owner) {
        layers.close();
        NativeMemory.release();
      }
    }
  }

  /** Architecture, labels, size, dtype and device. */
  @Override
  public String toString() {
    return closed
        ? "closed SequenceClassifier"
        : "SequenceClassifier[%s, %d labels, %,d parameters, %s on %s]"
            .formatted(config.modelType(), numLabels(), parameterCount(), dtype(), device());
  }
}
