package io.github.lora4j.benchmarks.compare;

import io.github.lora4j.data.Batch;
import io.github.lora4j.model.AutoModelForCausalLM;
import io.github.lora4j.model.CausalLM;
import io.github.lora4j.model.LoadOptions;
import io.github.lora4j.nn.ForwardContext;
import io.github.lora4j.nn.QuantizedLinear;
import io.github.lora4j.peft.PeftModel;
import io.github.lora4j.peft.TaskType;
import io.github.lora4j.quant.BitsAndBytesConfig;
import io.github.lora4j.tensor.Generator;
import io.github.lora4j.tensor.NativeMemory;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/** Loading a base in 4 bits and training an adapter on it, then the same on the dense base. */
final class QuantizedRun {

  private QuantizedRun() {}

  static Map<Metric, Double> measure(Task task) {
    Map<Metric, Double> measured = new EnumMap<>(Metric.class);
    NativeMemory.liveHandles(); // loads the libraries, which are no part of a model
    PeakRss.reset();
    double before = PeakRss.now();
    long start = System.nanoTime();
    LoadOptions options = AdaptedModel.options(task).quantization(BitsAndBytesConfig.nf4()).build();
    try (CausalLM base = AutoModelForCausalLM.fromPretrained(Path.of(task.model()), options)) {
      measured.put(Metric.LOAD_S, Timing.ms(System.nanoTime() - start) / 1000);
      measured.put(Metric.LOAD_PEAK_MB, PeakRss.peak() - before);
      measured.put(Metric.LOADED_MB, PeakRss.now() - before);
      measured.put(Metric.BITS_PER_WEIGHT, bitsPerWeight(base));
      try (PeftModel<CausalLM> peft =
          PeftModel.wrap(base, AdaptedModel.config(task, TaskType.CAUSAL_LM))) {
        PeakRss.reset();
        double stepMs = stepMs(task, base, peft, measured);
        PeakRss.addTo(measured);
        measured.put(Metric.TOKENS_PER_SECOND, 1000.0 * task.batch() * task.length() / stepMs);
        measured.put(Metric.STEP_MS, stepMs);
      }
    }
    if (task.variant() == Variant.PLAIN) {
      double dense = denseStepMs(task);
      measured.put(Metric.OVER_DENSE, dense / measured.get(Metric.STEP_MS));
    }
    return measured;
  }

  private static double denseStepMs(Task task) {
    try (AdaptedModel<CausalLM> model = AdaptedModel.open(task)) {
      return stepMs(task, model.base(), model.peft(), new EnumMap<>(Metric.class));
    }
  }

  /** Training passes: the optimizer has the same work on any base. */
  private static double stepMs(
      Task task, CausalLM base, PeftModel<CausalLM> peft, Map<Metric, Double> measured) {
    Batch batch = new RandomTokens(base.spec().vocabSize()).batch(task.batch(), task.length());
    try (Generator dropout = Generator.of(1)) {
      ForwardContext context =
          ForwardContext.training(dropout).gradientCheckpointing(task.variant() == Variant.CKPT);
      double scale = 1.0 / (task.batch() * (task.length() - 1));
      double[] losses = new double[task.allSteps()];
      double[] times =
          IntStream.range(0, task.allSteps())
              .mapToDouble(
                  step -> {
                    long start = System.nanoTime();
                    losses[step] = peft.lossAndBackward(batch, scale, context);
                    peft.trainableParameters().values().forEach(Tensor::clearGrad);
                    return Timing.ms(System.nanoTime() - start);
                  })
              .toArray();
      measured.put(Metric.FIRST_LOSS, losses[0] * scale);
      return Timing.median(IntStream.range(task.warmup(), times.length).mapToDouble(i -> times[i]));
    }
  }

  private static double bitsPerWeight(CausalLM base) {
    List<QuantizedLinear> layers =
        base.linearLayers().stream()
            .filter(QuantizedLinear.class::isInstance)
            .map(QuantizedLinear.class::cast)
            .toList();
    long weights =
        layers.stream().mapToLong(layer -> (long) layer.inFeatures() * layer.outFeatures()).sum();
    try (TensorScope scope = TensorScope.open()) {
      long bytes =
          layers.stream()
              .flatMap(layer -> layer.stored().entrySet().stream())
              // Code books and descriptions are held once, not by each layer.
              .filter(e -> e.getKey().equals("weight") || e.getKey().endsWith("absmax"))
              .mapToLong(e -> e.getValue().numel() * e.getValue().dtype().byteSize())
              .sum();
      return 8.0 * bytes / weights;
    }
  }
}
