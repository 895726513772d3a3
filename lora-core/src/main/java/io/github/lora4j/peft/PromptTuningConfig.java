package io.github.lora4j.peft;

import io.github.lora4j.data.Tokenizer;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Settings of prompt tuning, which trains virtual tokens before every sequence: {@code
 * peft.PromptTuningConfig}.
 *
 * @param numVirtualTokens how many there are, at least 1
 * @param promptTuningInit how they begin
 * @param promptTuningInitText the text to begin with, where they begin as one
 * @param initTokenIds the tokens of that text; no part of the file
 * @param tokenizerNameOrPath where PEFT finds the tokenizer of that text
 * @param tokenizerKwargs what PEFT passes to it; kept, without an effect here
 * @param shape the sizes of the model; empty ones are filled in when a model is wrapped
 * @param modulesToSave the linear layers that are trained and saved whole, by ends of their names
 * @param taskType what the adapted model is for; by default what the wrapped model does
 * @param baseModelNameOrPath the name or folder of the base model
 * @param revision the revision of the base model
 */
public record PromptTuningConfig(
    int numVirtualTokens,
    PromptTuningInit promptTuningInit,
    Optional<String> promptTuningInitText,
    List<Integer> initTokenIds,
    Optional<String> tokenizerNameOrPath,
    Map<String, Object> tokenizerKwargs,
    PromptShape shape,
    List<String> modulesToSave,
    Optional<TaskType> taskType,
    Optional<String> baseModelNameOrPath,
    Optional<String> revision)
    implements PeftConfig {

  /**
   * Checks what PEFT checks.
   *
   * @throws IllegalArgumentException without virtual tokens; or if the beginning as a text lacks
   *     the text or {@code tokenizerNameOrPath}, without which PEFT couldn't load the adapter
   */
  public PromptTuningConfig {
    PromptShape.requireVirtualTokens(numVirtualTokens);
    initTokenIds = List.copyOf(initTokenIds);
    tokenizerKwargs = Map.copyOf(tokenizerKwargs);
    modulesToSave = List.copyOf(modulesToSave);
    boolean text = promptTuningInit == PromptTuningInit.TEXT;
    if (text && (promptTuningInitText.isEmpty() || tokenizerNameOrPath.isEmpty())) {
      throw new IllegalArgumentException(
          "promptTuningInit TEXT needs promptTuningInitText and tokenizerNameOrPath, found "
              + promptTuningInitText
              + " and "
              + tokenizerNameOrPath);
    }
    if (!text && !tokenizerKwargs.isEmpty()) {
      throw new IllegalArgumentException(
          "tokenizerKwargs: expected none without promptTuningInit TEXT, found " + tokenizerKwargs);
    }
  }

  @Override
  public PeftType peftType() {
    return PeftType.PROMPT_TUNING;
  }

  /** Starts with PEFT's defaults: random vectors. Their number has to be set. */
  public static Builder builder() {
    return new Builder();
  }

  /** Starts with the values of this one. */
  Builder toBuilder() {
    Builder builder = new Builder();
    builder.numVirtualTokens = numVirtualTokens;
    builder.promptTuningInit = promptTuningInit;
    builder.promptTuningInitText = promptTuningInitText;
    builder.initTokenIds = initTokenIds;
    builder.tokenizerNameOrPath = tokenizerNameOrPath;
    builder.tokenizerKwargs = tokenizerKwargs;
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
    private PromptTuningInit promptTuningInit = PromptTuningInit.RANDOM;
    private Optional<String> promptTuningInitText = Optional.empty();
    private List<Integer> initTokenIds = List.of();
    private Optional<String> tokenizerNameOrPath = Optional.empty();
    private Map<String, Object> tokenizerKwargs = Map.of();
    private PromptShape shape = PromptShape.OF_THE_MODEL;
    private List<String> modulesToSave = List.of();
    private Optional<TaskType> taskType = Optional.empty();
    private Optional<String> baseModelNameOrPath = Optional.empty();
    private Optional<String> revision = Optional.empty();

    private Builder() {}

    /** How many virtual tokens there are. */
    public Builder numVirtualTokens(int count) {
      this.numVirtualTokens = count;
      return this;
    }

    /** How virtual tokens begin, if not as a text. */
    public Builder promptTuningInit(PromptTuningInit init) {
      this.promptTuningInit = init;
      return this;
    }

    /**
     * Lets virtual tokens begin as the vectors of a text's tokens, special ones included, from the
     * first on and as often as there is room.
     *
     * @param text the text, such as an instruction
     * @param tokenizer the base's, borrowed for this call
     * @param tokenizerNameOrPath where PEFT finds the same tokenizer, usually the base's folder
     */
    public Builder promptTuningInitText(
        String text, Tokenizer tokenizer, String tokenizerNameOrPath) {
      this.initTokenIds = Arrays.stream(tokenizer.encode(text, true)).boxed().toList();
      this.promptTuningInit = PromptTuningInit.TEXT;
      return promptTuningInitTextAlone(text).tokenizerNameOrPath(tokenizerNameOrPath);
    }

    Builder promptTuningInitTextAlone(String text) {
      this.promptTuningInitText = Optional.of(text);
      return this;
    }

    Builder tokenizerNameOrPath(String where) {
      this.tokenizerNameOrPath = Optional.of(where);
      return this;
    }

    /** What PEFT passes to the tokenizer. */
    public Builder tokenizerKwargs(Map<String, Object> kwargs) {
      this.tokenizerKwargs = new LinkedHashMap<>(kwargs);
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
     * @throws IllegalArgumentException as {@link PromptTuningConfig} says
     */
    public PromptTuningConfig build() {
      return new PromptTuningConfig(
          numVirtualTokens,
          promptTuningInit,
          promptTuningInitText,
          initTokenIds,
          tokenizerNameOrPath,
          tokenizerKwargs,
          shape,
          modulesToSave,
          taskType,
          baseModelNameOrPath,
          revision);
    }
  }
}
