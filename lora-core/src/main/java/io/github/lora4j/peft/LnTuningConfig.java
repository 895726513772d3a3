package io.github.lora4j.peft;

import java.util.List;
import java.util.Optional;

/**
 * Settings of norm tuning, which trains copies of norms: {@code peft.LNTuningConfig}.
 *
 * <p>Unlike in PEFT, only norms can be targets.
 *
 * @param targetModules the norms to train; by default those that PEFT has for the family
 * @param excludeModules those that stay as they are although they are targeted; no names where none
 *     do
 * @param modulesToSave the linear layers that are trained and saved whole, by ends of their names
 * @param taskType what the adapted model is for
 * @param baseModelNameOrPath the name or folder of the base model
 * @param revision the revision of the base model
 */
public record LnTuningConfig(
    TargetModules targetModules,
    TargetModules excludeModules,
    List<String> modulesToSave,
    Optional<TaskType> taskType,
    Optional<String> baseModelNameOrPath,
    Optional<String> revision)
    implements PeftConfig {

  /**
   * Checks that linear layers aren't meant.
   *
   * @throws IllegalArgumentException if they are
   */
  public LnTuningConfig {
    modulesToSave = List.copyOf(modulesToSave);
    if (targetModules instanceof TargetModules.AllLinear
        || excludeModules instanceof TargetModules.AllLinear) {
      throw new IllegalArgumentException(
          "targetModules, excludeModules: expected names of norms or a regular expression, found"
              + " all-linear");
    }
  }

  @Override
  public PeftType peftType() {
    return PeftType.LN_TUNING;
  }

  /** Starts with PEFT's defaults: the family's norms. */
  public static Builder builder() {
    return new Builder();
  }

  /** Collects settings. */
  public static final class Builder {

    private TargetModules targetModules = TargetModules.modelDefault();
    private TargetModules excludeModules = TargetModules.names();
    private List<String> modulesToSave = List.of();
    private Optional<TaskType> taskType = Optional.empty();
    private Optional<String> baseModelNameOrPath = Optional.empty();
    private Optional<String> revision = Optional.empty();

    private Builder() {}

    /** The norms to train, by ends of their names. */
    public Builder targetModules(String... names) {
      return targetModules(TargetModules.names(names));
    }

    /** The norms to train. */
    public Builder targetModules(TargetModules modules) {
      this.targetModules = modules;
      return this;
    }

    /** The norms that stay as they are although they are targeted. */
    public Builder excludeModules(TargetModules modules) {
      this.excludeModules = modules;
      return this;
    }

    /** The linear layers to train and save whole, by ends of their names. */
    public Builder modulesToSave(String... names) {
      this.modulesToSave = List.of(names);
      return this;
    }

    /** What the adapted model is for. */
    public Builder taskType(TaskType type) {
      this.taskType = Optional.of(type);
      return this;
    }

    /** The name or folder of the base model; by default where it was loaded from. */
    public Builder baseModelNameOrPath(String name) {
      this.baseModelNameOrPath = Optional.of(name);
      return this;
    }

    /** The revision of the base model. */
    public Builder revision(String name) {
      this.revision = Optional.of(name);
      return this;
    }

    /**
     * Returns the configuration.
     *
     * @throws IllegalArgumentException as {@link LnTuningConfig} says
     */
    public LnTuningConfig build() {
      return new LnTuningConfig(
          targetModules, excludeModules, modulesToSave, taskType, baseModelNameOrPath, revision);
    }
  }
}
