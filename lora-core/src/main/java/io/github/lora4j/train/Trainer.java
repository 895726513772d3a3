package io.github.lora4j.train;

import io.github.lora4j.data.DataCollator;
import io.github.lora4j.data.Dataset;
import io.github.lora4j.data.PaddingCollator;
import io.github.lora4j.data.TokenizedExample;
import io.github.lora4j.error.DatasetException;
import io.github.lora4j.error.TrainingDivergedException;
import io.github.lora4j.model.PreTrainedModel;
import io.github.lora4j.nn.ForwardContext;
import io.github.lora4j.tensor.DType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Trains what is trainable in a model: a LoRA adapter, or all of it.
 *
 * <p>The loss of an update is the sum over all its supervised items, of all its batches, divided by
 * their number, so that accumulating over small batches gives the update of a large one. Items are
 * tokens, or sequences where whole sequences are labelled. The order of the examples and the
 * dropout are functions of the seeds. A trainer borrows the model and belongs to one thread.
 *
 * <p>The Python counterpart is {@code transformers.Trainer}; names, defaults, schedules and log
 * lines are its own. Different are the accumulation of classifiers' losses (transformers adds the
 * means of the batches up, undivided in most families), the evaluation loss (per item here), the
 * speeds (of what really ran) and a loss that isn't finite (stops here).
 */
public final class Trainer {

  private static final Logger LOG = LoggerFactory.getLogger(Trainer.class);

  private final PreTrainedModel model;
  private final TrainingArguments args;
  private final Optional<Dataset<TokenizedExample>> trainDataset;
  private final Optional<Dataset<TokenizedExample>> evalDataset;
  private final DataCollator dataCollator;
  private final List<TrainerCallback> callbacks;
  private final List<Integer> eosTokenIds;
  private final Optional<ComputeMetrics> computeMetrics;

  private Trainer(Builder builder) {
    model = builder.model;
    args = builder.args;
    trainDataset = builder.trainDataset;
    evalDataset = builder.evalDataset;
    dataCollator = builder.dataCollator;
    callbacks = List.copyOf(builder.callbacks);
    eosTokenIds = builder.eosTokenIds;
    computeMetrics = builder.computeMetrics;
  }

  /** Starts with the model, which is borrowed, and the arguments. */
  public static Builder builder(PreTrainedModel model, TrainingArguments args) {
    return new Builder(model, args);
  }

  /**
   * Trains from the model's present parameters with a fresh optimizer.
   *
   * @return what ran; the trained parameters are the model's
   * @throws DatasetException before the first update, if no example has a supervised token or none
   *     ends with an end-of-sequence token to learn
   * @throws TrainingDivergedException if a loss or a gradient is NaN or infinite; the parameters
   *     are those of the update before
   * @throws IllegalStateException without a training dataset or trainable parameters
   */
  public TrainingResult train() {
    Dataset<TokenizedExample> dataset =
        SupervisionCheck.supervised(
            trainDataset.orElseThrow(
                () ->
                    new IllegalStateException(
                        "train() needs a trainDataset: set it when building")));
    SupervisionCheck.requireEos(dataset, eosTokenIds);
    Optional<Evaluator> evaluator =
        args.evalStrategy() == IntervalStrategy.NO ? Optional.empty() : Optional.of(evaluator());
    return new TrainingLoop(model, args, dataset, dataCollator, evaluator, callbacks).run();
  }

  /**
   * Evaluates the evaluation dataset with the model as it is, without dropout.
   *
   * @throws DatasetException if no example has a supervised token
   * @throws TrainingDivergedException if the loss is NaN or infinite
   * @throws IllegalStateException without an evaluation dataset
   */
  public EvaluationResult evaluate() {
    EvaluationResult result = evaluator().evaluate("");
    LOG.info("{}", LogRow.format(result.metrics()));
    return result;
  }

  private Evaluator evaluator() {
    Dataset<TokenizedExample> dataset =
        evalDataset.orElseThrow(
            () ->
                new IllegalStateException("evaluation needs an evalDataset: set it when building"));
    ForwardContext context = ForwardContext.eval().labelSmoothing(args.labelSmoothingFactor());
    return new Evaluator(
        model,
        dataset,
        dataCollator,
        args.perDeviceEvalBatchSize(),
        args.bf16() ? context.autocast(DType.BF16) : context,
        computeMetrics);
  }

  /** Collects what a trainer works with. */
  public static final class Builder {

    private final PreTrainedModel model;
    private final TrainingArguments args;
    private final List<TrainerCallback> callbacks = new ArrayList<>();
    private Optional<Dataset<TokenizedExample>> trainDataset = Optional.empty();
    private Optional<Dataset<TokenizedExample>> evalDataset = Optional.empty();
    private DataCollator dataCollator = PaddingCollator.of(0);
    private List<Integer> eosTokenIds;
    private Optional<ComputeMetrics> computeMetrics = Optional.empty();

    private Builder(PreTrainedModel model, TrainingArguments args) {
      this.model = model;
      this.args = args;
      this.eosTokenIds = List.copyOf(model.eosTokenIds());
    }

    /** What {@link Trainer#train()} trains on. */
    public Builder trainDataset(Dataset<TokenizedExample> trainDataset) {
      this.trainDataset = Optional.of(trainDataset);
      return this;
    }

    /** What {@link Trainer#evaluate()} and the evaluations during training measure. */
    public Builder evalDataset(Dataset<TokenizedExample> evalDataset) {
      this.evalDataset = Optional.of(evalDataset);
      return this;
    }

    /**
     * What makes batches of examples; default a {@link PaddingCollator} that pads with id 0, which
     * is as good as any, since padding is masked.
     */
    public Builder dataCollator(DataCollator dataCollator) {
      this.dataCollator = dataCollator;
      return this;
    }

    /** Adds callbacks, called in the order in which they were added. */
    public Builder callbacks(TrainerCallback... callbacks) {
      this.callbacks.addAll(Arrays.asList(callbacks));
      return this;
    }

    /**
     * The tokens that end a text, of which the training data must teach at least one; default the
     * model's. None switches that check off, for text that has no end.
     */
    public Builder eosTokenIds(int... eosTokenIds) {
      this.eosTokenIds = Arrays.stream(eosTokenIds).boxed().toList();
      return this;
    }

    /** What evaluations measure beside the loss; default nothing. */
    public Builder computeMetrics(ComputeMetrics computeMetrics) {
      this.computeMetrics = Optional.of(computeMetrics);
      return this;
    }

    /**
     * Returns the trainer.
     *
     * @throws IllegalArgumentException if {@code evalStrategy} asks for evaluations without an
     *     {@code evalDataset}
     */
    public Trainer build() {
      if (args.evalStrategy() != IntervalStrategy.NO && evalDataset.isEmpty()) {
        throw new IllegalArgumentException(
            "evalStrategy: expected NO without an evalDataset, found %s; set an evalDataset"
                .formatted(args.evalStrategy()));
      }
      return new Trainer(this);
    }
  }
}
