package io.github.lora4j.peft;

import java.util.List;
import java.util.Optional;

/**
 * Settings of (IA)³, vectors that scale what linear layers give or, in the MLP, what they are
 * given: {@code peft.IA3Config}.
 *
 * @param targetModules the layers to adapt; by default those that PEFT has for the family
 * @param excludeModules the modules that stay as they are although they are targeted; no names
 *     where none do
 * @param feedforwardModules the targets whose input is scaled rather than their output: ends of
 *     names or a regular expression; by default those that PEFT has for the family
 * @param modulesToSave the linear layers that are trained and saved whole, by ends of their names
 * @param initIa3Weights whether vectors begin as ones, which changes nothing, rather than as random
 *     numbers
 * @param taskType what the adapted model is for
 * @param baseModelNameOrPath the name or folder of the base model
 * @param revision the revision of the base model
 */
public record Ia3Config(
    TargetModules targetModules,
    TargetModules excludeModules,
    TargetModules feedforwardModules,
    List<String> modulesToSave,
    boolean initIa3Weights,
    Optional<TaskType> taskType,
    Optional<String> baseModelNameOrPath,
    Optional<String> revision)
    implements PeftConfig {

  /**
   * Checks that feed-forward modules are among the targets where both are names.
   *
   * @throws IllegalArgumentException if they are not, or all-linear stands where it means nothing
   */
  public Ia3Config {
    modulesToSave = List.copyOf(modulesToSave);
    if (feedforwardModules instanceof TargetModules.AllLinear
        || excludeModules instanceof TargetModules.AllLinear) {
      throw new IllegalArgumentException(
          "feedforwardModules, excludeModules: expected names or a regular expression, found"
              + " all-linear");
    }
    if (feedforwardModules instanceof TargetModules.Names inner
        && targetModules instanceof TargetModules.Names outer
        && !outer.names().containsAll(inner.names())) {
      throw new IllegalArgumentException(
          "feedforwardModules: expected some of targetModules "
              + outer.names()
              + ", found "
              + inner.names());
    }
  }

  @Override
  public PeftType peftType() {
    return PeftType.IA3;
  }

  /** Starts with PEFT's defaults: the family's layers, vectors of ones. */
  public static Builder builder() {
    return new Builder();
  }

  /** Collects settings. */
  public static final class Builder {

    private TargetModules targetModules = TargetModules.modelDefault();
    private TargetModules excludeModules = TargetModules.names();
    private TargetModules feedforwardModules = TargetModules.modelDefault();
    private List<String> modulesToSave = List.of();
    private boolean initIa3Weights = true;
    private Optional<TaskType> taskType = Optional.empty();
    private Optional<String> baseModelNameOrPath = Optional.empty();
    private Optional<String> revision = Optional.empty();

    private Builder() {}

    /** The layers to adapt, by ends of their names. */
    public Builder targetModules(String... names) {
      return targetModules(
          names.length == 1 && names[0].equalsIgnoreCase(TargetModules.ALL_LINEAR)
              ? TargetModules.allLinear()
              : TargetModules.names(names));
    }

    /** The layers to adapt. */
    public Builder targetModules(TargetModules modules) {
      this.targetModules = modules;
      return this;
    }

    /** The modules that stay as they are although they are targeted. */
    public Builder excludeModules(TargetModules modules) {
      this.excludeModules = modules;
      return this;
    }

    /** The targets whose input is scaled rather than their output, by ends of their names. */
    public Builder feedforwardModules(String... names) {
      return feedforwardModules(TargetModules.names(names));
    }

    /** The targets whose input is scaled rather than their output. */
    public Builder feedforwardModules(TargetModules modules) {
      this.feedforwardModules = modules;
      return this;
    }

    /** The linear layers to train and save whole, by ends of their names. */
    public Builder modulesToSave(String... names) {
      this.modulesToSave = List.of(names);
      return this;
    }

    /** Whether vectors begin as ones rather than as random numbers. */
    public Builder initIa3Weights(boolean ones) {
      this.initIa3Weights = ones;
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
     * @throws IllegalArgumentException as {@link Ia3Config} says
     */
    public Ia3Config build() {
      return new Ia3Config(
          targetModules,
          excludeModules,
          feedforwardModules,
          modulesToSave,
          initIa3Weights,
          taskType,
          baseModelNameOrPath,
          revision);
    }
  }
}
