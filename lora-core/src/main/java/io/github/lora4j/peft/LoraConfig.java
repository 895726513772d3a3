package io.github.lora4j.peft;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What an adapter is made of: its rank and scaling, the layers it decorates, how it begins.
 *
 * <p>The counterpart of {@code LoraConfig} in PEFT 0.21, with its names and defaults; {@link
 * LoraConfigBuilder} says what each field does. Immutable.
 *
 * <pre>{@code
 * LoraConfig.builder().r(16).alpha(32).dropout(0.05).targetModules("q_proj", "v_proj").build()
 * }</pre>
 */
public final class LoraConfig implements PeftConfig {

  private final int r;
  private final double loraAlpha;
  private final double loraDropout;
  private final TargetModules targetModules;
  private final List<String> targetParameters;
  private final TargetModules excludeModules;
  private final boolean useRslora;
  private final boolean fanInFanOut;
  private final Map<String, Integer> rankPattern;
  private final Map<String, Double> alphaPattern;
  private final List<Integer> layersToTransform;
  private final List<String> layersPattern;
  private final List<String> modulesToSave;
  private final InitLoraWeights initLoraWeights;
  private final Bias bias;
  private final boolean loraBias;
  private final boolean useDora;
  private final TrainableTokens trainableTokenIndices;
  private final List<List<Integer>> layerReplication;
  private final boolean ensureWeightTying;
  private final @Nullable EvaConfig evaConfig;
  private final @Nullable LoftQConfig loftqConfig;
  private final @Nullable TaskType taskType;
  private final boolean inferenceMode;
  private final @Nullable String baseModelNameOrPath;
  private final @Nullable String revision;
  private final Map<String, Object> otherKeys;

  LoraConfig(LoraConfigBuilder builder) {
    r = builder.r;
    loraAlpha = builder.resolvedAlpha();
    loraDropout = builder.resolvedDropout();
    targetModules = builder.targetModules;
    targetParameters = List.copyOf(builder.targetParameters);
    excludeModules = builder.excludeModules;
    useRslora = builder.useRslora;
    fanInFanOut = builder.fanInFanOut;
    rankPattern = Collections.unmodifiableMap(new LinkedHashMap<>(builder.rankPattern));
    alphaPattern = Collections.unmodifiableMap(new LinkedHashMap<>(builder.alphaPattern));
    layersToTransform = List.copyOf(builder.layersToTransform);
    layersPattern = List.copyOf(builder.layersPattern);
    modulesToSave = List.copyOf(builder.modulesToSave);
    initLoraWeights = builder.initLoraWeights;
    bias = builder.bias;
    loraBias = builder.loraBias;
    useDora = builder.useDora;
    trainableTokenIndices = builder.trainableTokenIndices;
    layerReplication = builder.layerReplication.stream().map(List::copyOf).toList();
    ensureWeightTying = builder.ensureWeightTying;
    evaConfig = builder.evaConfig;
    loftqConfig = initLoraWeights.equals(InitLoraWeights.LOFTQ) ? builder.loftqConfig : null;
    taskType = builder.taskType;
    inferenceMode = builder.inferenceMode;
    baseModelNameOrPath = builder.baseModelNameOrPath;
    revision = builder.revision;
    otherKeys = Collections.unmodifiableMap(new LinkedHashMap<>(builder.otherKeys));
    LoraConfigRules.check(this);
  }

  /**
   * Starts a configuration with PEFT's defaults: rank 8, alpha 8, no dropout, the family's layers.
   */
  public static LoraConfigBuilder builder() {
    return new LoraConfigBuilder();
  }

  /**
   * Reads {@code adapter_config.json} out of the folder of a saved adapter.
   *
   * <p>Keys that LoRA4J doesn't know are kept and written again on saving.
   *
   * @throws io.github.lora4j.error.CheckpointFormatException if the file is missing, damaged or has
   *     a value of the wrong type
   * @throws io.github.lora4j.error.AdapterMismatchException if the adapter is of another kind than
   *     LoRA, or needs something that is not built yet; the message lists all such keys
   * @throws java.io.UncheckedIOException if the file can't be read
   */
  public static LoraConfig load(Path adapterFolder) {
    return AdapterConfigReader.read(adapterFolder);
  }

  @Override
  public PeftType peftType() {
    return PeftType.LORA;
  }

  /** Starts a configuration with the values of this one. */
  public LoraConfigBuilder toBuilder() {
    return new LoraConfigBuilder(this);
  }

  /** The rank of the update, where {@link #rankPattern()} doesn't say otherwise. */
  public int r() {
    return r;
  }

  /** The numerator of the scaling, where {@link #alphaPattern()} doesn't say otherwise. */
  public double loraAlpha() {
    return loraAlpha;
  }

  /** The same as {@link #loraAlpha()}. */
  public double alpha() {
    return loraAlpha;
  }

  /** The probability of dropping an element of an adapter's input in training. */
  public double loraDropout() {
    return loraDropout;
  }

  /** The same as {@link #loraDropout()}. */
  public double dropout() {
    return loraDropout;
  }

  /** The layers to adapt. */
  public TargetModules targetModules() {
    return targetModules;
  }

  /** The parameters to adapt where they belong to no linear layer, by ends of their names. */
  public List<String> targetParameters() {
    return targetParameters;
  }

  /** The modules that stay as they are although they are targeted; no names where none do. */
  public TargetModules excludeModules() {
    return excludeModules;
  }

  /** Whether the scaling divides by √r rather than r. */
  public boolean useRslora() {
    return useRslora;
  }

  /** Whether the base stores the weights of targeted layers as {@code [in, out]}. */
  public boolean fanInFanOut() {
    return fanInFanOut;
  }

  /** Ranks of their own for some layers, in the order in which they are tried. */
  public Map<String, Integer> rankPattern() {
    return rankPattern;
  }

  /** Alphas of their own for some layers, in the order in which they are tried. */
  public Map<String, Double> alphaPattern() {
    return alphaPattern;
  }

  /** The indices of the layers to adapt; empty for all. */
  public List<Integer> layersToTransform() {
    return layersToTransform;
  }

  /** The names of the lists that {@link #layersToTransform()} counts in; empty for any. */
  public List<String> layersPattern() {
    return layersPattern;
  }

  /** The modules that are trained and saved whole, by ends of their names. */
  public List<String> modulesToSave() {
    return modulesToSave;
  }

  /** How the adapter begins. */
  public InitLoraWeights initLoraWeights() {
    return initLoraWeights;
  }

  /** Which biases of the base are trained. */
  public Bias bias() {
    return bias;
  }

  /** Whether B has a bias. */
  public boolean loraBias() {
    return loraBias;
  }

  /** Whether magnitudes are trained beside directions: DoRA. */
  public boolean useDora() {
    return useDora;
  }

  /** The tokens whose vectors are trained. */
  public TrainableTokens trainableTokenIndices() {
    return trainableTokenIndices;
  }

  /** The ranges of layers that the stack is built of, each {@code [from, to)}; empty for all. */
  public List<List<Integer>> layerReplication() {
    return layerReplication;
  }

  /** Whether what is learnt of an embedding is the tied head's too. */
  public boolean ensureWeightTying() {
    return ensureWeightTying;
  }

  /** How EVA finds the beginning; empty for its defaults. */
  public Optional<EvaConfig> evaConfig() {
    return Optional.ofNullable(evaConfig);
  }

  /** How LoftQ rounds the base's weights; empty where the adapter begins otherwise. */
  public Optional<LoftQConfig> loftqConfig() {
    return Optional.ofNullable(loftqConfig);
  }

  @Override
  public Optional<TaskType> taskType() {
    return Optional.ofNullable(taskType);
  }

  /** Whether the adapter is meant for use rather than training; always so in saved files. */
  public boolean inferenceMode() {
    return inferenceMode;
  }

  @Override
  public Optional<String> baseModelNameOrPath() {
    return Optional.ofNullable(baseModelNameOrPath);
  }

  @Override
  public Optional<String> revision() {
    return Optional.ofNullable(revision);
  }

  /** What the update B·A is multiplied by: alpha / r, or alpha / √r for {@link #useRslora()}. */
  public double scaling(int r, double alpha) {
    return alpha / (useRslora ? Math.sqrt(r) : r);
  }

  /** What a file held beyond the fields above, as maps, lists, strings, numbers, booleans, null. */
  Map<String, Object> otherKeys() {
    return otherKeys;
  }

  private Map<String, Object> fields() {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("r", r);
    fields.put("loraAlpha", loraAlpha);
    fields.put("loraDropout", loraDropout);
    fields.put("targetModules", targetModules);
    fields.put("targetParameters", targetParameters);
    fields.put("excludeModules", excludeModules);
    fields.put("useRslora", useRslora);
    fields.put("fanInFanOut", fanInFanOut);
    // As lists: the order of the keys is part of what a pattern means.
    fields.put("rankPattern", new ArrayList<>(rankPattern.entrySet()));
    fields.put("alphaPattern", new ArrayList<>(alphaPattern.entrySet()));
    fields.put("layersToTransform", layersToTransform);
    fields.put("layersPattern", layersPattern);
    fields.put("modulesToSave", modulesToSave);
    fields.put("initLoraWeights", initLoraWeights);
    fields.put("bias", bias);
    fields.put("loraBias", loraBias);
    fields.put("useDora", useDora);
    fields.put("trainableTokenIndices", trainableTokenIndices);
    fields.put("layerReplication", layerReplication);
    fields.put("ensureWeightTying", ensureWeightTying);
    fields.put("evaConfig", evaConfig());
    fields.put("loftqConfig", loftqConfig());
    fields.put("taskType", taskType());
    fields.put("inferenceMode", inferenceMode);
    fields.put("baseModelNameOrPath", baseModelNameOrPath());
    fields.put("revision", revision());
    fields.put("otherKeys", otherKeys);
    return fields;
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof LoraConfig that && fields().equals(that.fields());
  }

  @Override
  public int hashCode() {
    return fields().hashCode();
  }

  @Override
  public String toString() {
    return "LoraConfig" + fields();
  }
}
