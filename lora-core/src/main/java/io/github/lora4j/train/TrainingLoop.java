package io.github.lora4j.train;

import io.github.lora4j.data.Batch;
import io.github.lora4j.data.DataCollator;
import io.github.lora4j.data.Dataset;
import io.github.lora4j.data.TokenizedExample;
import io.github.lora4j.model.PreTrainedModel;
import io.github.lora4j.nn.ForwardContext;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Generator;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One run from the first update to the last; used once. */
final class TrainingLoop {

  private static final Logger LOG = LoggerFactory.getLogger(Trainer.class);

  private final PreTrainedModel model;
  private final TrainingArguments args;
  private final Dataset<TokenizedExample> dataset;
  private final DataCollator collator;
  private final Optional<Evaluator> evaluator;
  private final List<TrainerCallback> callbacks;
  private final Map<String, Tensor> parameters;
  private final long parameterCount;
  private final StepPlan plan;
  private final LearningRateSchedule schedule;
  private final RunCheckpoints checkpoints;
  private final TrainerControl control = new TrainerControl();
  private final DivergenceGuard guard = new DivergenceGuard();
  private final RunLog log = new RunLog();
  private final Speed time = new Speed();

  private RunTotals totals = RunTotals.NONE;
  private double lossSum;
  private int globalStep;
  private double epoch;

  TrainingLoop(
      PreTrainedModel model,
      TrainingArguments args,
      Dataset<TokenizedExample> dataset,
      DataCollator collator,
      Optional<Evaluator> evaluator,
      List<TrainerCallback> callbacks) {
    this.model = model;
    this.args = args;
    this.dataset = dataset;
    this.collator = collator;
    this.evaluator = evaluator;
    this.callbacks = callbacks;
    parameters = model.trainableParameters();
    parameterCount = model.parameterCount();
    if (parameters.isEmpty()) {
      throw new IllegalStateException(
          "The model has no trainable parameters; wrap it with PeftModel.wrap(model, loraConfig)");
    }
    plan = StepPlan.of(dataset.size(), args);
    schedule = LearningRateSchedule.of(args, plan);
    checkpoints = new RunCheckpoints(model, args, plan);
  }

  TrainingResult run() {
    LOG.info(
        "Training on {} examples: {} updates of {} x {} examples, {} trainable of {} parameters",
        dataset.size(),
        plan.maxSteps(),
        args.gradientAccumulationSteps(),
        args.perDeviceTrainBatchSize(),
        parameters.values().stream().mapToLong(Tensor::numel).sum(),
        parameterCount);
    try (Generator dropout = Generator.of(args.seed());
        Optimizer optimizer = Optimizers.of(parameters, args);
        Progress progress = Progress.open(args, plan.maxSteps())) {
      ForwardContext context = context(dropout);
      optimizer.zeroGrad();
      callbacks.forEach(callback -> callback.onTrainBegin(state(), control));
      for (int e = 0; e < plan.numTrainEpochs() && !finished(); e++) {
        trainEpoch(e, optimizer, context, progress);
      }
      TrainingResult result = result(progress);
      callbacks.forEach(callback -> callback.onTrainEnd(state()));
      return result;
    } finally {
      // After a failure too: what is left of half an update must not count in the next run.
      parameters.values().forEach(Tensor::clearGrad);
    }
  }

  private ForwardContext context(Generator dropout) {
    ForwardContext context =
        ForwardContext.training(dropout)
            .gradientCheckpointing(args.gradientCheckpointing())
            .labelSmoothing(args.labelSmoothingFactor());
    return args.bf16() ? context.autocast(DType.BF16) : context;
  }

  private boolean finished() {
    return globalStep >= plan.maxSteps() || control.stopRequested();
  }

  private void trainEpoch(
      int number, Optimizer optimizer, ForwardContext context, Progress progress) {
    Dataset<TokenizedExample> ordered =
        args.trainSamplingStrategy() == TrainSamplingStrategy.RANDOM
            ? dataset.shuffle(args.dataSeed().orElse(args.seed()) + number)
            : dataset;
    int microBatches = 0;
    for (int update = 0; update < plan.updatesPerEpoch() && !finished(); update++) {
      Speed updateTime = new Speed();
      List<Batch> batches = collate(ordered, microBatches, plan.microBatchesOf(update));
      microBatches += batches.size();
      StepInfo step = update(batches, plan.epochAfter(number, microBatches), optimizer, context);
      log.add(step, updateTime.seconds());
      afterUpdate(step, progress);
    }
    afterEpoch(progress);
  }

  private List<Batch> collate(Dataset<TokenizedExample> ordered, int first, int count) {
    int size = args.perDeviceTrainBatchSize();
    List<Batch> batches = new ArrayList<>(count);
    for (int i = first; i < first + count; i++) {
      int to = Math.min(ordered.size(), (i + 1) * size);
      batches.add(collator.collate(ordered.rows().subList(i * size, to)));
    }
    return batches;
  }

  private StepInfo update(
      List<Batch> batches, double epochAfter, Optimizer optimizer, ForwardContext context) {
    int step = globalStep + 1;
    double rate = schedule.at(globalStep);
    long supervised = batches.stream().mapToLong(Batch::supervisedItems).sum();
    if (supervised == 0) {
      throw new IllegalStateException(
          "No batch of step %d has anything supervised, though each example has: the DataCollator"
                  .formatted(step)
              + " masks or cuts them");
    }
    long tokensBefore = totals.inputTokens();
    double sum = 0;
    for (Batch batch : batches) {
      try (TensorScope scope = TensorScope.open()) {
        sum += model.lossAndBackward(batch, 1.0 / supervised, context);
      }
      totals = totals.plus(batch, parameterCount);
    }
    double loss = sum / supervised;
    guard.requireFinite("loss", loss, step, rate);
    double gradNorm = GradientClipper.clip(parameters.values(), args.maxGradNorm());
    guard.requireFinite("grad_norm", gradNorm, step, rate);
    optimizer.step(rate);
    optimizer.zeroGrad();
    guard.completed(loss);
    globalStep = step;
    epoch = epochAfter;
    lossSum += loss;
    long tokens = totals.inputTokens() - tokensBefore;
    return new StepInfo(
        step, plan.maxSteps(), epochAfter, loss, gradNorm, rate, supervised, tokens);
  }

  private void afterUpdate(StepInfo step, Progress progress) {
    progress.step(step);
    callbacks.forEach(callback -> callback.onStepEnd(step, control));
    boolean logNow = due(args.loggingStrategy(), args.loggingSteps());
    if (logNow || (args.loggingFirstStep() && globalStep == 1)) {
      show(log.closeWindow(), progress);
    }
    boolean lastOne = globalStep >= plan.maxSteps();
    boolean evalAtLast = lastOne && args.evalStrategy() == IntervalStrategy.STEPS;
    if (evalAtLast || due(args.evalStrategy(), args.evalSteps().orElse(args.loggingSteps()))) {
      evaluate(progress);
    }
    boolean saveAtLast = lastOne && args.saveStrategy() == IntervalStrategy.STEPS;
    if (saveAtLast || due(args.saveStrategy(), args.saveSteps())) {
      save();
    }
  }

  private void afterEpoch(Progress progress) {
    if (args.loggingStrategy() == IntervalStrategy.EPOCH && log.hasSteps()) {
      show(log.closeWindow(), progress);
    }
    if (args.evalStrategy() == IntervalStrategy.EPOCH) {
      evaluate(progress);
    }
    if (args.saveStrategy() == IntervalStrategy.EPOCH) {
      save();
    }
  }

  private boolean due(IntervalStrategy strategy, double interval) {
    return strategy == IntervalStrategy.STEPS && globalStep % plan.resolve(interval) == 0;
  }

  private void show(LogRow row, Progress progress) {
    progress.row(row);
    callbacks.forEach(callback -> callback.onLog(row, control));
  }

  private void evaluate(Progress progress) {
    EvaluationResult bare = evaluator.orElseThrow().evaluate(" after step " + globalStep);
    Map<String, Double> metrics = new LinkedHashMap<>(bare.metrics());
    show(log.row(globalStep, epoch, metrics), progress);
    metrics.put("epoch", epoch);
    EvaluationResult result =
        new EvaluationResult(bare.loss(), bare.examples(), bare.supervisedTokens(), metrics);
    callbacks.forEach(callback -> callback.onEvaluate(state(), result, control));
  }

  private void save() {
    Path folder = checkpoints.save(state(), totals);
    callbacks.forEach(callback -> callback.onSave(state(), folder, control));
  }

  private TrainerState state() {
    return new TrainerState(
        globalStep, plan.maxSteps(), epoch, plan.numTrainEpochs(), log.history());
  }

  private TrainingResult result(Progress progress) {
    double trainingLoss = globalStep == 0 ? 0 : lossSum / globalStep;
    double seconds = time.seconds();
    Map<String, Double> metrics = new LinkedHashMap<>();
    Speed.addTo(metrics, "train", seconds, totals.examples(), globalStep);
    metrics.put("train_tokens_per_second", Speed.rate(totals.inputTokens(), seconds));
    metrics.put("total_flos", totals.floatingPointOperations());
    metrics.put("train_loss", trainingLoss);
    show(log.row(globalStep, epoch, metrics), progress);
    metrics.put("epoch", epoch);
    return new TrainingResult(globalStep, trainingLoss, metrics, log.history());
  }
}
