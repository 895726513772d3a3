package io.github.lora4j.benchmarks.compare;

import io.github.lora4j.data.Batch;
import io.github.lora4j.data.Dataset;
import io.github.lora4j.data.Packing;
import io.github.lora4j.data.PaddingCollator;
import io.github.lora4j.data.TokenizedExample;
import io.github.lora4j.model.CausalLM;
import io.github.lora4j.model.SequenceClassifier;
import io.github.lora4j.nn.ForwardContext;
import io.github.lora4j.tensor.Generator;
import io.github.lora4j.train.IntervalStrategy;
import io.github.lora4j.train.LrSchedulerType;
import io.github.lora4j.train.TrainSamplingStrategy;
import io.github.lora4j.train.Trainer;
import io.github.lora4j.train.TrainingArguments;
import io.github.lora4j.train.TrainingArgumentsBuilder;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToLongFunction;
import java.util.stream.IntStream;

/** Everything that trains, through {@link Trainer} as users do. */
final class TrainingRun {

  /** Rows of a packed step, as on the other side. */
  private static final int PACKED_ROWS = 2;

  private TrainingRun() {}

  /** Steps over one batch of full rows, taken apart. */
  static Map<Metric, Double> ofSteps(Task task) {
    try (AdaptedModel<CausalLM> model = AdaptedModel.open(task);
        Generator dropout = Generator.of(1)) {
      Batch batch = model.tokens().batch(task.batch(), task.length());
      // The other side's bare loop clips nothing.
      TrainingArguments args = arguments(task).maxGradNorm(0).build();
      TimedModel timed = train(model, args, Dataset.of(rows(batch)));
      Map<Metric, Double> measured = new EnumMap<>(Metric.class);
      PeakRss.addTo(measured);
      ForwardContext context = ForwardContext.training(dropout);
      double forward = Timing.medianMs(1, task.steps(), () -> model.peft().loss(batch, context));
      List<TimedModel.Step> counted = timed.steps().subList(task.warmup(), task.allSteps());
      double step = medianMs(counted, s -> s.end() - s.passStart());
      measured.put(Metric.TOKENS_PER_SECOND, 1000 * batch.tokens() / step);
      measured.put(Metric.STEP_MS, step);
      measured.put(Metric.FORWARD_MS, forward);
      measured.put(
          Metric.BACKWARD_MS, medianMs(counted, s -> s.passEnd() - s.passStart()) - forward);
      measured.put(Metric.OPTIMIZER_MS, medianMs(counted, s -> s.end() - s.passEnd()));
      measured.put(Metric.FIRST_LOSS, timed.steps().get(0).info().loss());
      return measured;
    }
  }

  /** Steps over one batch of full rows, first as users have them, then the plain way. */
  static Map<Metric, Double> ofBothWays(Task task) {
    try (AdaptedModel<CausalLM> model = AdaptedModel.open(task)) {
      Batch batch = model.tokens().batch(task.batch(), task.length());
      Dataset<TokenizedExample> rows = Dataset.of(rows(batch));
      TrainingArguments args = arguments(task).maxGradNorm(0).build();
      Map<Metric, Double> measured = new EnumMap<>(Metric.class);
      TimedModel fused = train(new TimedModel(model.peft(), false), args, rows);
      PeakRss.addTo(measured);
      TimedModel plain = train(new TimedModel(model.peft(), true), args, rows);
      double step = stepMs(task, fused);
      double plainStep = stepMs(task, plain);
      measured.put(Metric.TOKENS_PER_SECOND, 1000 * batch.tokens() / step);
      measured.put(Metric.PLAIN_TOKENS_PER_SECOND, 1000 * batch.tokens() / plainStep);
      measured.put(Metric.FUSED_OVER_PLAIN, plainStep / step);
      measured.put(Metric.FIRST_LOSS, fused.steps().get(0).info().loss());
      return measured;
    }
  }

  /** Whole steps over one batch of full rows; gives the milliseconds of one. */
  static double ofWholeSteps(Task task, AdaptedModel<CausalLM> model, Map<Metric, Double> into) {
    Batch batch = model.tokens().batch(task.batch(), task.length());
    TrainingArguments args = arguments(task).maxGradNorm(0).build();
    TimedModel timed = train(model, args, Dataset.of(rows(batch)));
    PeakRss.addTo(into);
    into.put(Metric.FIRST_LOSS, timed.steps().get(0).info().loss());
    into.put(Metric.TOKENS_PER_SECOND, 1000 * batch.tokens() / stepMs(task, timed));
    return stepMs(task, timed);
  }

  private static double stepMs(Task task, TimedModel timed) {
    return medianMs(
        timed.steps().subList(task.warmup(), task.allSteps()), s -> s.end() - s.passStart());
  }

  /** Fine-tuning on examples of realistic lengths; only tokens that are no padding count. */
  static Map<Metric, Double> ofExamples(Task task) {
    try (AdaptedModel<CausalLM> model = AdaptedModel.open(task)) {
      TimedModel timed = trainOnExamples(task, model);
      Map<Metric, Double> measured = endToEnd(task, timed);
      measured.put(Metric.FIRST_LOSS, timed.steps().get(0).info().loss());
      return measured;
    }
  }

  /** Classification of texts of realistic lengths; each side draws a head of its own. */
  static Map<Metric, Double> ofTexts(Task task) {
    try (AdaptedModel<SequenceClassifier> model = AdaptedModel.openClassifier(task)) {
      int count = task.batch() * task.allSteps();
      List<TokenizedExample> texts =
          model.tokens().labelled(count, task.length(), AdaptedModel.CLASSES);
      return endToEnd(task, train(model, arguments(task).build(), Dataset.of(texts)));
    }
  }

  /** From the end of a step to the end of another, so that the making of batches counts too. */
  private static Map<Metric, Double> endToEnd(Task task, TimedModel timed) {
    Map<Metric, Double> measured = new EnumMap<>(Metric.class);
    PeakRss.addTo(measured);
    List<TimedModel.Step> steps = timed.steps().subList(task.warmup() - 1, task.allSteps());
    long nanos = steps.get(task.steps()).end() - steps.get(0).end();
    long tokens = steps.stream().skip(1).mapToLong(s -> s.info().inputTokens()).sum();
    measured.put(Metric.TOKENS_PER_SECOND, 1e9 * tokens / nanos);
    measured.put(Metric.STEP_MS, Timing.ms(nanos) / task.steps());
    return measured;
  }

  /** One step, and how long ago the process was started. */
  static Map<Metric, Double> ofStart(Task task) {
    try (AdaptedModel<CausalLM> model = AdaptedModel.open(task)) {
      Batch batch = model.tokens().batch(task.batch(), task.length());
      TimedModel timed = train(model, arguments(task).build(), Dataset.of(rows(batch)));
      Map<Metric, Double> measured = new EnumMap<>(Metric.class);
      measured.put(Metric.STARTUP_S, Timing.now() - task.started());
      PeakRss.addTo(measured);
      measured.put(Metric.FIRST_LOSS, timed.steps().get(0).info().loss());
      return measured;
    }
  }

  private static TimedModel trainOnExamples(Task task, AdaptedModel<?> model) {
    boolean packed = task.variant() == Variant.PACKED;
    // Packed rows hold about as much as a padded batch: twice that is enough for all steps.
    int count = task.batch() * task.allSteps() * (packed ? 2 : 1);
    Dataset<TokenizedExample> examples = Dataset.of(model.tokens().examples(count, task.length()));
    return packed
        ? train(
            model,
            arguments(task).perDeviceTrainBatchSize(PACKED_ROWS).build(),
            Packing.of(task.length()).apply(examples))
        : train(model, arguments(task).build(), examples);
  }

  private static TrainingArgumentsBuilder arguments(Task task) {
    return TrainingArguments.builder()
        .perDeviceTrainBatchSize(task.batch())
        .maxSteps(task.allSteps())
        .learningRate(1e-4)
        .lrSchedulerType(LrSchedulerType.CONSTANT)
        .trainSamplingStrategy(TrainSamplingStrategy.SEQUENTIAL)
        .gradientCheckpointing(task.variant() == Variant.CKPT)
        .loggingStrategy(IntervalStrategy.NO)
        .saveStrategy(IntervalStrategy.NO);
  }

  private static TimedModel train(
      AdaptedModel<?> model, TrainingArguments args, Dataset<TokenizedExample> examples) {
    return train(new TimedModel(model.peft(), false), args, examples);
  }

  private static TimedModel train(
      TimedModel timed, TrainingArguments args, Dataset<TokenizedExample> examples) {
    Trainer trainer =
        Trainer.builder(timed, args)
            .trainDataset(examples)
            .dataCollator(PaddingCollator.of(RandomTokens.PAD_ID))
            .eosTokenIds()
            .callbacks(timed)
            .build();
    PeakRss.reset();
    trainer.train();
    return timed;
  }

  private static List<TokenizedExample> rows(Batch batch) {
    return IntStream.range(0, batch.size())
        .mapToObj(
            row -> {
              int from = row * batch.length();
              int[] ids = Arrays.copyOfRange(batch.inputIds(), from, from + batch.length());
              return new TokenizedExample(ids, ids);
            })
        .toList();
  }

  private static double medianMs(
      List<TimedModel.Step> steps, ToLongFunction<TimedModel.Step> nanos) {
    return Timing.median(steps.stream().mapToDouble(s -> Timing.ms(nanos.applyAsLong(s))));
  }
}
