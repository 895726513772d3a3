package io.github.lora4j.examples.cli;

import io.github.lora4j.peft.LoraConfig;
import io.github.lora4j.peft.LoraConfigBuilder;
import io.github.lora4j.peft.TargetModules;
import io.github.lora4j.peft.TaskType;
import java.util.Optional;
import picocli.CommandLine.Option;

/** The adapter to train; defaults are PEFT's. */
final class LoraOptions {

  @Option(names = "--r", paramLabel = "N", description = "Rank. Default: 8.")
  private Optional<Integer> r = Optional.empty();

  @Option(
      names = "--alpha",
      paramLabel = "X",
      description = "Numerator of the scaling alpha / r. Default: 8.")
  private Optional<Double> alpha = Optional.empty();

  @Option(
      names = "--dropout",
      paramLabel = "P",
      description = "Dropout of the adapter's input. Default: 0.")
  private Optional<Double> dropout = Optional.empty();

  @Option(
      names = "--target-modules",
      paramLabel = "NAME,...|all-linear",
      converter = TargetModulesText.class,
      description = "Layers to adapt. Default: the family's, such as q_proj,v_proj.")
  private Optional<TargetModules> targetModules = Optional.empty();

  @Option(names = "--rslora", description = "Scale by alpha / sqrt(r).")
  private boolean rslora;

  LoraConfig config() {
    LoraConfigBuilder config = LoraConfig.builder().useRslora(rslora).taskType(TaskType.CAUSAL_LM);
    r.ifPresent(config::r);
    alpha.ifPresent(config::alpha);
    dropout.ifPresent(config::dropout);
    targetModules.ifPresent(config::targetModules);
    return config.build();
  }
}
