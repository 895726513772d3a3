package io.github.lora4j.peft;

import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Settings of prefix tuning, which trains keys and values before every sequence in every layer:
 * {@code peft.PrefixTuningConfig}.
 *
 * @param numVirtualTokens how many positions the prefix takes, at least 1
 * @param prefixProjection whether the prefix is computed by a small network, which is trained in
 *     its place; a saved adapter holds what it gives
 * @param encoderHiddenSize features between the two layers of that network; by default those of the
 *     keys in a layer
 * @param zeroInit whether the prefix begins as zeros rather than random numbers: PEFT's {@code
 *     init_weights="zero"}
 * @param shape the sizes of the model; empty ones are filled in when a model is wrapped
 * @param modulesToSave the linear layers that are trained and saved whole, by ends of their names
 * @param taskType what the adapted model is for; by default what the wrapped model does
 * @param baseModelNameOrPath the name or folder of the base model
 * @param revision the revision of the base model
 */
public record PrefixTuningConfig(
    int numVirtualTokens,
    boolean prefixProjection,
    OptionalInt encoderHiddenSize,
    boolean zeroInit,
    PromptShape shape,
    List<String> modulesToSave,
    Optional<TaskType> taskType,
    Optional<String> baseModelNameOrPath,
    Optional<String> revision)
    implements PeftConfig {

  /**
   * Checks the sizes.
   *
   * @throws IllegalArgumentException if one is less than 1
   */
  public PrefixTuningConfig {
    PromptShape.requireVirtualTokens(numVirtualTokens);
    if (encoderHiddenSize.isPresent() && encoderHiddenSize.getAsInt() < 1) {
      throw new IllegalArgumentException(
          "encoderHiddenSize: expected at least 1, found " + encoderHiddenSize.getAsInt());
    }
    modulesToSave = List.copyOf(modulesToSave);
  }

  @Override
  public PeftType peftType() {
    return PeftType.PREFIX_TUNING;
  }

  /** Starts with PEFT's defaults: no network. The number of positions has to be set. */
  public static Builder builder() {
    return new Builder();
  }

  /** Starts with the values of this one. */
  Builder toBuilder() {
    Builder builder = new Builder();
    builder.numVirtualTokens = numVirtualTokens;
    builder.prefixProjection = prefixProjection;
    builder.encoderHiddenSize = encoderHiddenSize;
    builder.zeroInit = zeroInit;
    builder.shape = shape;
    builder.modulesToSave = modulesToSave;
    builder.taskType = taskType;
    builder.baseModelNameOrPath = baseModelNameOrPath;
    builder.revision = revision;
    return builder;
  }

  /** Collects settings. */
  public static final class Builder {

    private int numVirtualTokens;
    private boolean prefixProjection;
    private OptionalInt encoderHiddenSize = OptionalInt.empty();
    private boolean zeroInit;
    private PromptShape shape = PromptShape.OF_THE_MODEL;
    private List<String> modulesToSave = List.of();
    private Optional<TaskType> taskType = Optional.empty();
    private Optional<String> baseModelNameOrPath = Optional.empty();
    private Optional<String> revision = Optional.empty();

    private Builder() {}

    /** How many positions the prefix takes. */
    public Builder numVirtualTokens(int count) {
      this.numVirtualTokens = count;
      return this;
    }

    /** Whether the prefix is computed by a small network while it is trained. */
    public Builder prefixProjection(boolean on) {
      this.prefixProjection = on;
      return this;
    }

    /** Features between the two layers of that network. */
    public Builder encoderHiddenSize(int features) {
      this.encoderHiddenSize = OptionalInt.of(features);
      return this;
    }

    /** Whether the prefix begins as zeros. */
    public Builder zeroInit(boolean zeros) {
      this.zeroInit = zeros;
      return this;
    }

    Builder shape(PromptShape sizes) {
      this.shape = sizes;
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
     * @throws IllegalArgumentException as {@link PrefixTuningConfig} says
     */
    public PrefixTuningConfig build() {
      return new PrefixTuningConfig(
          numVirtualTokens,
          prefixProjection,
          encoderHiddenSize,
          zeroInit,
          shape,
          modulesToSave,
          taskType,
          baseModelNameOrPath,
          revision);
    }
  }
}
