package io.github.lora4j.benchmarks.compare;

import io.github.lora4j.model.AutoModelForCausalLM;
import io.github.lora4j.model.CausalLM;
import io.github.lora4j.model.LoadOptions;
import io.github.lora4j.nn.QuantizedLinear;
import io.github.lora4j.peft.PeftModel;
import io.github.lora4j.peft.TaskType;
import io.github.lora4j.quant.BitsAndBytesConfig;
import io.github.lora4j.quant.KbitTraining;
import io.github.lora4j.tensor.NativeMemory;
import io.github.lora4j.tensor.TensorScope;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

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
      measured.put(Metric.STEP_MS, stepMs(task, base, measured));
    }
    if (task.variant() == Variant.PLAIN) {
      try (AdaptedModel<CausalLM> dense = AdaptedModel.open(task)) {
        double denseMs = TrainingRun.ofWholeSteps(task, dense, new EnumMap<>(Metric.class));
        measured.put(Metric.OVER_DENSE, denseMs / measured.get(Metric.STEP_MS));
      }
    }
    return measured;
  }

  private static double stepMs(Task task, CausalLM base, Map<Metric, Double> measured) {
    if (task.variant() != Variant.FLOAT32) {
      return adaptedStepMs(task, base, measured);
    }
    try (CausalLM prepared = KbitTraining.prepareModelForKbitTraining(base, true)) {
      return adaptedStepMs(task, prepared, measured);
    }
  }

  private static double adaptedStepMs(Task task, CausalLM base, Map<Metric, Double> measured) {
    try (PeftModel<CausalLM> peft =
        PeftModel.wrap(base, AdaptedModel.config(task, TaskType.CAUSAL_LM))) {
      return TrainingRun.ofWholeSteps(task, new AdaptedModel<>(base, peft), measured);
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
