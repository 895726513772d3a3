package io.github.lora4j.model;

import io.github.lora4j.data.Batch;
import io.github.lora4j.data.TokenizedExample;
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
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * A decoder that predicts the next token: {@code transformers.AutoModelForCausalLM}.
 *
 * <p>Its parameters are frozen when it is loaded; {@link #requiresGrad} makes all of them learn.
 * Evaluation and generation may run in several threads at once; training must not.
 */
public final class CausalLM implements DecoderModel, NextTokenModel {

  static final String TIE = "tie_word_embeddings";

  private final ModelConfig config;
  private final ModelFamily family;
  private final CausalLayers layers;
  private final Optional<Path> source;
  private final boolean owner;
  private boolean closed;

  CausalLM(
      ModelConfig config,
      ModelFamily family,
      CausalLayers layers,
      Optional<Path> source,
      boolean owner) {
    this.config = config;
    this.family = family;
    this.layers = layers;
    this.source = source;
    this.owner = owner;
  }

  // ---- computing

  /**
   * Computes the scores of the next token at each position, without gradients.
   *
   * @param inputIds row-major {@code [batch, seq]}
   * @param attentionMask 1 at tokens, 0 at padding, the same shape
   * @param batch number of rows
   * @return {@code [batch, seq, vocab]} in the model's dtype, in the caller's scope
   */
  public Tensor logits(int[] inputIds, int[] attentionMask, int batch) {
    if (batch < 1) {
      throw new IllegalArgumentException("batch: expected at least one row, found " + batch);
    }
    int[] labels = new int[inputIds.length];
    Arrays.fill(labels, TokenizedExample.IGNORE_INDEX);
    return logits(new Batch(batch, inputIds.length / batch, inputIds, attentionMask, labels));
  }

  /**
   * Computes the scores of the next token at each position of a batch, without gradients; unlike in
   * PEFT, virtual tokens have none.
   */
  public Tensor logits(Batch given) {
    requireOpen();
    VirtualRows rows = ModelInputs.known(given, layers.decoder());
    try (TensorScope scope = TensorScope.open();
        NoGrad noGrad = NoGrad.open()) {
      ModelInputs inputs = ModelInputs.of(rows.batch(), layers.decoder());
      Tensor hidden =
          layers
              .decoder()
              .forward(
                  inputs.ids(),
                  inputs.positions(),
                  inputs.visible(),
                  List.of(),
                  ForwardContext.eval());
      return scope.handOver(layers.logits(rows.given(hidden, given), ForwardContext.eval()));
    }
  }

  @Override
  public double lossAndBackward(Batch batch, double scale, ForwardContext asked) {
    requireOpen();
    ForwardContext context = asked.forModelOf(dtype());
    Batch known = ModelInputs.known(batch, layers.decoder()).batch();
    SupervisedPositions supervised = SupervisedPositions.of(known, layers.spec().vocabSize());
    if (supervised.isEmpty()) {
      return 0;
    }
    try (TensorScope scope = TensorScope.open()) {
      LossInputs in = LossInputs.of(known, supervised, layers.decoder(), context);
      ChunkedLoss top = new ChunkedLoss(layers, in.supervised(), context);
      return new TrainingPass(layers.decoder(), context, top).run(in.inputs(), scale);
    }
  }

  @Override
  public double loss(Batch batch, ForwardContext asked) {
    requireOpen();
    ForwardContext context = asked.forModelOf(dtype());
    Batch known = ModelInputs.known(batch, layers.decoder()).batch();
    SupervisedPositions supervised = SupervisedPositions.of(known, layers.spec().vocabSize());
    if (supervised.isEmpty()) {
      return 0;
    }
    try (TensorScope scope = TensorScope.open();
        NoGrad noGrad = NoGrad.open();
        var region = context.enter(device())) {
      LossInputs in = LossInputs.of(known, supervised, layers.decoder(), context);
      ModelInputs inputs = in.inputs();
      Tensor hidden =
          layers
              .decoder()
              .forward(inputs.ids(), inputs.positions(), inputs.visible(), List.of(), context);
      return new ChunkedLoss(layers, in.supervised(), context).value(hidden);
    }
  }

  @Override
  public DecodingSession startDecoding(int[][] prompts, int maxLength) {
    requireOpen();
    int rows = layers.spec().embedding().rowsOfPositions() - before();
    if (maxLength > rows) {
      throw new IllegalArgumentException(
          "maxLength: expected at most "
              + rows
              + " positions, as the model has, found "
              + maxLength);
    }
    return new CausalDecodingSession(layers, prompts, maxLength);
  }

  @Override
  public int maxPositionEmbeddings() {
    return layers.spec().maxPositionEmbeddings() - before();
  }

  /** How many positions stand before every sequence. */
  private int before() {
    return layers.decoder().virtualTokens() + layers.decoder().prefixLength();
  }

  // ---- what it is

  @Override
  public ModelConfig config() {
    return config;
  }

  @Override
  public ModelFamily family() {
    return family;
  }

  @Override
  public String transformersClass() {
    return family.causalLmClass();
  }

  @Override
  public DecoderSpec spec() {
    return layers.spec();
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

  @Override
  public List<Integer> eosTokenIds() {
    String key = "eos_token_id";
    Optional<ModelConfig> text = config.has(key) ? Optional.empty() : config.section("text_config");
    return text.orElse(config).integers(key);
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
    return layers.head().name();
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
  public CausalLM requiresGrad(boolean required) {
    ParameterCount.requiresGrad(parameters(), required);
    return this;
  }

  /**
   * Makes some parameters learn, such as those of the last layers, and freezes all others.
   *
   * <p>A head that is tied to the embedding is no parameter of its own: it learns with the table.
   *
   * @param learning chooses parameters by their names, as {@link #parameters} has them
   * @return this model
   * @throws IllegalArgumentException if it chooses none
   * @throws IllegalStateException if one that it chooses is quantized
   */
  public CausalLM requiresGrad(Predicate<String> learning) {
    ParameterCount.requiresGrad(parameters(), learning);
    return this;
  }

  // ---- other models over the same parameters

  @Override
  public CausalLM withLinears(LayerChange change) {
    requireOpen();
    return new CausalLM(config, family, layers.withLinears(change), source, false);
  }

  @Override
  public CausalLM withLayers(List<Integer> order) {
    requireOpen();
    return new CausalLM(
        LayerOrder.of(order, spec()).in(config), family, layers.withLayers(order), source, false);
  }

  @Override
  public CausalLM withVirtualTokens(VirtualTokens virtual) {
    requireOpen();
    return new CausalLM(config, family, layers.withVirtualTokens(virtual), source, false);
  }

  @Override
  public CausalLM withPrefix(KeyValuePrefix prefix) {
    requireOpen();
    return new CausalLM(config, family, layers.withPrefix(prefix), source, false);
  }

  @Override
  public CausalLM shareWith(LayerChange change) {
    requireOpen();
    CausalLayers shared = layers.shareWith(change);
    boolean untied = layers.spec().tieWordEmbeddings() && !shared.spec().tieWordEmbeddings();
    ModelConfig written =
        Quantizations.written(untied ? config.with(TIE, false) : config, shared.linearLayers());
    return new CausalLM(written, family, shared, source, true);
  }

  /**
   * Writes a Hugging Face folder: {@code config.json}, the weights in SafeTensors, and the
   * generation settings and tokenizer files of the folder that this model was loaded from, so that
   * the new one is complete.
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
          Quantizations.stored(
              new StoredExperts(spec()).split(parameters()), linearLayers(), family::storedName);
      PretrainedFolder.write(
          dir,
          config.with("dtype", dtype().torchName()).without("torch_dtype"),
          stored,
          source,
          family.carriedPrefixes());
    }
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

  /** Architecture, size, dtype and device. */
  @Override
  public String toString() {
    return closed
        ? "closed CausalLM"
        : "CausalLM[%s, %,d parameters, %s on %s]"
            .formatted(config.modelType(), parameterCount(), dtype(), device());
  }
}
