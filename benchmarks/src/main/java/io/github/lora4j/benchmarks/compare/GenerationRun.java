package io.github.lora4j.benchmarks.compare;

import io.github.lora4j.generate.GenerationConfig;
import io.github.lora4j.generate.TokenGenerator;
import io.github.lora4j.model.CausalLM;
import java.util.EnumMap;
import java.util.Map;

/** Greedy generation, with the adapter beside the weights or inside them. */
final class GenerationRun {

  private GenerationRun() {}

  static Map<Metric, Double> measure(Task task) {
    try (AdaptedModel<CausalLM> model = AdaptedModel.open(task)) {
      int[][] prompts = model.tokens().prompts(task.batch(), task.length());
      if (task.variant() == Variant.MERGED) {
        try (CausalLM merged = model.peft().mergeAndUnload()) {
          return measure(task, merged, prompts);
        }
      }
      return measure(task, model.peft().model(), prompts);
    }
  }

  private static Map<Metric, Double> measure(Task task, CausalLM model, int[][] prompts) {
    PeakRss.reset();
    double one = medianMs(task, model, prompts, 1);
    double all = medianMs(task, model, prompts, task.newTokens());
    Map<Metric, Double> measured = new EnumMap<>(Metric.class);
    measured.put(Metric.TOKENS_PER_SECOND, 1000 * task.batch() * task.newTokens() / all);
    measured.put(Metric.PREFILL_MS, one);
    measured.put(Metric.MS_PER_TOKEN, (all - one) / (task.newTokens() - 1));
    PeakRss.addTo(measured);
    return measured;
  }

  private static double medianMs(Task task, CausalLM model, int[][] prompts, int newTokens) {
    // No token ends a text here, so that all rows grow to the end.
    GenerationConfig config = GenerationConfig.builder().maxNewTokens(newTokens).build();
    return Timing.medianMs(
        task.warmup(), task.steps(), () -> TokenGenerator.generate(model, prompts, config));
  }
}
