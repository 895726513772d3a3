package io.github.lora4j.train;

import io.github.lora4j.tensor.Tensor;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;

/** Makes the optimizer of a run. */
final class Optimizers {

  private Optimizers() {}

  /**
   * The optimizer that the arguments name, for these parameters, which are borrowed.
   *
   * @throws IllegalStateException if a module that is not on the class path holds it
   */
  static Optimizer of(Map<String, Tensor> parameters, TrainingArguments args) {
    List<OptimizedParameter> all =
        parameters.entrySet().stream().map(e -> parameter(e.getKey(), e.getValue(), args)).toList();
    return switch (args.optim()) {
      case ADAMW_TORCH, ADAMW_TORCH_FUSED -> new AdamW(all, args);
      case SGD -> new Sgd(all);
      default -> provider(args.optim()).create(all, args);
    };
  }

  private static OptimizedParameter parameter(String name, Tensor tensor, TrainingArguments args) {
    double decay = WeightDecayRule.appliesTo(name) ? args.weightDecay() : 0;
    return new OptimizedParameter(name, tensor, decay, LoraPlus.scale(name, tensor, args));
  }

  private static OptimizerProvider provider(OptimizerName name) {
    // The loader of this class, not the thread's: a thread of a pool may have one that sees less.
    return ServiceLoader.load(OptimizerProvider.class, Optimizers.class.getClassLoader()).stream()
        .map(ServiceLoader.Provider::get)
        .filter(provider -> provider.provides(name))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalStateException(
                    ("optim: nothing on the class path has \"%s\": add the Maven dependency"
                            + " io.github.lora4j:lora-quant in the version of lora-core, or use"
                            + " adamw_torch")
                        .formatted(name)));
  }
}
