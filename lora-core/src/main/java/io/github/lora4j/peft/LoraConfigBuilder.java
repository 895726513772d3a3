package io.github.lora4j.peft;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Builds a {@link LoraConfig}; holds PEFT's defaults.
 *
 * <p>Settings of PEFT that are not built yet are here too: they accept their default, and throw an
 * IllegalArgumentException that says what to do instead for anything else.
 */
public final class LoraConfigBuilder {

  private static final int DEFAULT_RANK = 8;
  private static final double DEFAULT_ALPHA = 8;

  int r = DEFAULT_RANK;
  TargetModules targetModules = TargetModules.modelDefault();
  List<String> targetParameters = List.of();
  TargetModules excludeModules = TargetModules.names();
  boolean useRslora;
  boolean fanInFanOut;
  Map<String, Integer> rankPattern = new LinkedHashMap<>();
  Map<String, Double> alphaPattern = new LinkedHashMap<>();
  List<Integer> layersToTransform = List.of();
  List<String> layersPattern = List.of();
  List<String> modulesToSave = List.of();
  InitLoraWeights initLoraWeights = InitLoraWeights.KAIMING;
  Bias bias = Bias.NONE;
  boolean loraBias;
  boolean useDora;
  TrainableTokens trainableTokenIndices = TrainableTokens.NONE;
  List<List<Integer>> layerReplication = List.of();
  boolean ensureWeightTying;
  @Nullable EvaConfig evaConfig;
  @Nullable LoftQConfig loftqConfig;
  @Nullable TaskType taskType;
  boolean inferenceMode;
  @Nullable String baseModelNameOrPath;
  @Nullable String revision;
  Map<String, Object> otherKeys = Map.of();

  private double startAlpha = DEFAULT_ALPHA;
  private double startDropout;
  private @Nullable Double alpha;
  private @Nullable Double loraAlpha;
  private @Nullable Double dropout;
  private @Nullable Double loraDropout;

  LoraConfigBuilder() {}

  LoraConfigBuilder(LoraConfig config) {
    r = config.r();
    startAlpha = config.loraAlpha();
    startDropout = config.loraDropout();
    targetModules = config.targetModules();
    targetParameters = config.targetParameters();
    excludeModules = config.excludeModules();
    useRslora = config.useRslora();
    fanInFanOut = config.fanInFanOut();
    rankPattern.putAll(config.rankPattern());
    alphaPattern.putAll(config.alphaPattern());
    layersToTransform = config.layersToTransform();
    layersPattern = config.layersPattern();
    modulesToSave = config.modulesToSave();
    initLoraWeights = config.initLoraWeights();
    bias = config.bias();
    loraBias = config.loraBias();
    useDora = config.useDora();
    trainableTokenIndices = config.trainableTokenIndices();
    layerReplication = config.layerReplication();
    ensureWeightTying = config.ensureWeightTying();
    evaConfig = config.evaConfig().orElse(null);
    loftqConfig = config.loftqConfig().orElse(null);
    taskType = config.taskType().orElse(null);
    inferenceMode = config.inferenceMode();
    baseModelNameOrPath = config.baseModelNameOrPath().orElse(null);
    revision = config.revision().orElse(null);
    otherKeys = config.otherKeys();
  }

  /** The rank of the update B·A: at least 1. Default 8. */
  public LoraConfigBuilder r(int r) {
    this.r = r;
    return this;
  }

  /** The numerator of the scaling alpha / r. Default 8. The same field as {@link #loraAlpha}. */
  public LoraConfigBuilder alpha(double alpha) {
    this.alpha = alpha;
    return this;
  }

  /** The numerator of the scaling alpha / r. Default 8. The same field as {@link #alpha}. */
  public LoraConfigBuilder loraAlpha(double loraAlpha) {
    this.loraAlpha = loraAlpha;
    return this;
  }

  /**
   * The probability, from 0 to 1, of dropping an element of an adapter's input in training. Default
   * 0. The same field as {@link #loraDropout}.
   */
  public LoraConfigBuilder dropout(double dropout) {
    this.dropout = dropout;
    return this;
  }

  /** The probability of dropping an element of an adapter's input; the same as {@link #dropout}. */
  public LoraConfigBuilder loraDropout(double loraDropout) {
    this.loraDropout = loraDropout;
    return this;
  }

  /**
   * The layers to adapt, by names or ends of names such as {@code q_proj}; the single name {@code
   * all-linear} stands for {@link TargetModules#allLinear()}. Default: what PEFT adapts in the
   * model's family, often {@code q_proj} and {@code v_proj}.
   */
  public LoraConfigBuilder targetModules(String... names) {
    boolean all = names.length == 1 && names[0].equalsIgnoreCase(TargetModules.ALL_LINEAR);
    return targetModules(all ? TargetModules.allLinear() : TargetModules.names(names));
  }

  /** The layers to adapt. */
  public LoraConfigBuilder targetModules(TargetModules targetModules) {
    this.targetModules = targetModules;
    return this;
  }

  /**
   * Parameters to adapt, by names or ends of names after a dot: those of all experts of a mixture,
   * such as {@code mlp.experts.gate_up_proj} and {@code mlp.experts.down_proj}, a router's {@code
   * gate.weight}, or the weight of a linear layer. {@link #layersToTransform} and {@link
   * #excludeModules} don't concern them, as in PEFT, and there can be no dropout beside them.
   *
   * <p>In a model with a mixture of experts the names that experts had in transformers 4 ({@code
   * w1}, {@code w3}, {@code w2}; {@code gate_proj}, {@code up_proj}, {@code down_proj}; {@code
   * gate}) work in {@link #targetModules(String...)} too, and {@code all-linear} stands for the
   * experts and the router as well; {@link PeftModel#config} says what became of them. To adapt
   * experts alone, name no modules: {@code targetModules()}.
   */
  public LoraConfigBuilder targetParameters(String... names) {
    this.targetParameters = Arrays.stream(names).distinct().toList();
    return this;
  }

  /** Modules that stay as they are although they are targeted, by names or ends of names. */
  public LoraConfigBuilder excludeModules(String... names) {
    return excludeModules(TargetModules.names(names));
  }

  /** Modules that stay as they are although they are targeted: names or a regular expression. */
  public LoraConfigBuilder excludeModules(TargetModules excludeModules) {
    this.excludeModules = excludeModules;
    return this;
  }

  /**
   * Whether the scaling is alpha / √r rather than alpha / r, after <a
   * href="https://arxiv.org/abs/2312.03732">Rank-stabilized LoRA</a>. Default false.
   */
  public LoraConfigBuilder useRslora(boolean useRslora) {
    this.useRslora = useRslora;
    return this;
  }

  /**
   * Whether the base stores the weights of targeted layers as {@code [in, out]}, as GPT-2 does.
   * Default false. It need not be set: the layers themselves tell, and a saved adapter says what
   * they told.
   */
  public LoraConfigBuilder fanInFanOut(boolean fanInFanOut) {
    this.fanInFanOut = fanInFanOut;
    return this;
  }

  /**
   * Gives some layers a rank of their own; keys are tried in the order of the calls, the first that
   * matches wins.
   *
   * @param key a name, the end of a name after a dot, or a regular expression in Python's syntax
   *     for either; {@code ^} in front ties it to the start of the whole name
   */
  public LoraConfigBuilder rankPattern(String key, int r) {
    rankPattern.put(key, r);
    return this;
  }

  /** Replaces all rank patterns, in the map's order: a {@code LinkedHashMap} where keys overlap. */
  public LoraConfigBuilder rankPattern(Map<String, Integer> rankPattern) {
    this.rankPattern = new LinkedHashMap<>(rankPattern);
    return this;
  }

  /** Gives some layers an alpha of their own; keys work as in {@link #rankPattern(String, int)}. */
  public LoraConfigBuilder alphaPattern(String key, double alpha) {
    alphaPattern.put(key, alpha);
    return this;
  }

  /**
   * Replaces all alpha patterns, in the map's order: a {@code LinkedHashMap} where keys overlap.
   */
  public LoraConfigBuilder alphaPattern(Map<String, ? extends Number> alphaPattern) {
    this.alphaPattern = new LinkedHashMap<>();
    alphaPattern.forEach((key, value) -> this.alphaPattern.put(key, value.doubleValue()));
    return this;
  }

  /**
   * Adapts only layers with these indices, counted from 0; for targets given by name. A target
   * given by its full name is adapted in any case, as in PEFT. Default: all layers.
   */
  public LoraConfigBuilder layersToTransform(int... layers) {
    this.layersToTransform = Arrays.stream(layers).boxed().toList();
    return this;
  }

  /**
   * The names of the lists that {@link #layersToTransform} counts in, such as {@code layers} or
   * {@code h}. Default: the first number in a module's name.
   */
  public LoraConfigBuilder layersPattern(String... names) {
    this.layersPattern = Arrays.asList(names.clone());
    return this;
  }

  /**
   * Modules that are trained and saved whole, by ends of their names, such as {@code lm_head},
   * {@code embed_tokens} or {@code norm}: linear layers, embeddings, norms, and containers that
   * hold nothing else, such as {@code mlp} or {@code layers.3}. A float32 copy is trained, the
   * base's own stays as it is. With {@link TaskType#SEQ_CLS} the classifier's head {@code score} is
   * always among them. Default: none.
   */
  public LoraConfigBuilder modulesToSave(String... names) {
    this.modulesToSave = Arrays.asList(names.clone());
    return this;
  }

  /** How the adapter begins. Default {@link InitLoraWeights#KAIMING}. */
  public LoraConfigBuilder initLoraWeights(InitLoraWeights initLoraWeights) {
    this.initLoraWeights = initLoraWeights;
    return this;
  }

  /** PEFT's spelling: {@code true} is {@code KAIMING}, {@code false} is {@code RANDOM}. */
  public LoraConfigBuilder initLoraWeights(boolean initLoraWeights) {
    return initLoraWeights(initLoraWeights ? InitLoraWeights.KAIMING : InitLoraWeights.RANDOM);
  }

  /**
   * PEFT's spelling: {@code "gaussian"}, {@code "orthogonal"}, {@code "olora"}, {@code "pissa"} or
   * {@code "pissa_niter_N"}.
   *
   * @throws IllegalArgumentException for PEFT's other ways to begin, which are not built
   */
  public LoraConfigBuilder initLoraWeights(String initLoraWeights) {
    return initLoraWeights(InitLoraWeights.of(initLoraWeights));
  }

  /** What the adapted model is for; PEFT picks its wrapper class by it. Default: unset. */
  public LoraConfigBuilder taskType(TaskType taskType) {
    this.taskType = taskType;
    return this;
  }

  /** Whether the adapter is loaded for use, all of it frozen. Default false. */
  public LoraConfigBuilder inferenceMode(boolean inferenceMode) {
    this.inferenceMode = inferenceMode;
    return this;
  }

  /** The name or folder of the base model, for the saved files. Default: the model's own. */
  public LoraConfigBuilder baseModelNameOrPath(String baseModelNameOrPath) {
    this.baseModelNameOrPath = baseModelNameOrPath;
    return this;
  }

  /** The revision of the base model, for the saved files. Default: unset. */
  public LoraConfigBuilder revision(String revision) {
    this.revision = revision;
    return this;
  }

  /** Which biases of the base are trained. Default {@link Bias#NONE}. */
  public LoraConfigBuilder bias(Bias bias) {
    this.bias = bias;
    return this;
  }

  /** PEFT's spelling: {@code "none"}, {@code "all"} or {@code "lora_only"}. */
  public LoraConfigBuilder bias(String bias) {
    return bias(Bias.of(bias));
  }

  /**
   * Whether magnitudes are trained beside the directions that the update changes, after <a
   * href="https://arxiv.org/abs/2402.09353">DoRA</a>. Default false.
   */
  public LoraConfigBuilder useDora(boolean useDora) {
    this.useDora = useDora;
    return this;
  }

  /** Whether B has a bias, for adapters extracted from whole models. Default false. */
  public LoraConfigBuilder loraBias(boolean loraBias) {
    this.loraBias = loraBias;
    return this;
  }

  /** Tokens whose vectors are trained while the rest of the table stays. Default: none. */
  public LoraConfigBuilder trainableTokenIndices(int... tokens) {
    this.trainableTokenIndices = new TrainableTokens(boxed(tokens), Map.of());
    return this;
  }

  /** The same by the ends of the names of tables, such as {@code embed_tokens}. */
  public LoraConfigBuilder trainableTokenIndices(Map<String, List<Integer>> tokens) {
    this.trainableTokenIndices = new TrainableTokens(List.of(), tokens);
    return this;
  }

  /**
   * Ranges of layers, each {@code {from, to}} with the end left out, that the stack is built of: a
   * layer in several of them stands there several times, with adapters of its own and the base's
   * weights in common. Default: all layers, once.
   */
  public LoraConfigBuilder layerReplication(int[]... ranges) {
    this.layerReplication = Arrays.stream(ranges).map(LoraConfigBuilder::boxed).toList();
    return this;
  }

  /**
   * Whether what is learnt of an embedding is used by the head too where both are tied in the base.
   * Default false, as in PEFT: the head then goes on with the base's table.
   */
  public LoraConfigBuilder ensureWeightTying(boolean ensureWeightTying) {
    this.ensureWeightTying = ensureWeightTying;
    return this;
  }

  /** Activated LoRA: not built yet. */
  public LoraConfigBuilder aloraInvocationTokens(int... tokens) {
    return refuse(UnbuiltSetting.ALORA_INVOCATION_TOKENS, boxed(tokens));
  }

  /** QA-LoRA: not built yet. */
  public LoraConfigBuilder useQalora(boolean useQalora) {
    return refuse(UnbuiltSetting.USE_QALORA, useQalora);
  }

  /** Block-diagonal LoRA: not built yet. */
  public LoraConfigBuilder useBdlora(Map<String, ?> config) {
    return refuse(UnbuiltSetting.USE_BDLORA, config);
  }

  /** Megatron's parallel layers: not built yet. */
  public LoraConfigBuilder megatronConfig(Map<String, ?> config) {
    return refuse(UnbuiltSetting.MEGATRON_CONFIG, config);
  }

  /** VeLoRA: not built yet. */
  public LoraConfigBuilder veloraConfig(Map<String, ?> config) {
    return refuse(UnbuiltSetting.VELORA_CONFIG, config);
  }

  /** Monte Carlo LoRA: not built yet. */
  public LoraConfigBuilder montecloraConfig(Map<String, ?> config) {
    return refuse(UnbuiltSetting.MONTECLORA_CONFIG, config);
  }

  /** Arrow routing: not built yet. */
  public LoraConfigBuilder arrowConfig(Map<String, ?> config) {
    return refuse(UnbuiltSetting.ARROW_CONFIG, config);
  }

  /** KaSA: not built yet. */
  public LoraConfigBuilder kasaConfig(Map<String, ?> config) {
    return refuse(UnbuiltSetting.KASA_CONFIG, config);
  }

  /**
   * How the base's weights are rounded under {@link InitLoraWeights#LOFTQ}, which needs it; without
   * effect otherwise, and then left out of the file, as in PEFT. Default: none.
   */
  public LoraConfigBuilder loftqConfig(LoftQConfig config) {
    this.loftqConfig = config;
    return this;
  }

  /**
   * How {@link EvaWeights#initialize} finds the beginning under {@link InitLoraWeights#EVA};
   * without effect otherwise, as in PEFT. Default: {@link EvaConfig#DEFAULT}.
   */
  public LoraConfigBuilder evaConfig(EvaConfig config) {
    this.evaConfig = config;
    return this;
  }

  /** CorDA initialisation: not built yet. */
  public LoraConfigBuilder cordaConfig(Map<String, ?> config) {
    return refuse(UnbuiltSetting.CORDA_CONFIG, config);
  }

  /** LoRA-GA initialisation: not built yet. */
  public LoraConfigBuilder loraGaConfig(Map<String, ?> config) {
    return refuse(UnbuiltSetting.LORA_GA_CONFIG, config);
  }

  /**
   * Returns the configuration.
   *
   * @throws IllegalArgumentException if a value is out of range, a pattern is not valid, two
   *     spellings of one field disagree, or fields contradict each other
   */
  public LoraConfig build() {
    return new LoraConfig(this);
  }

  double resolvedAlpha() {
    return oneOf("alpha", alpha, "loraAlpha", loraAlpha, startAlpha);
  }

  double resolvedDropout() {
    return oneOf("dropout", dropout, "loraDropout", loraDropout, startDropout);
  }

  LoraConfigBuilder otherKeys(Map<String, Object> otherKeys) {
    this.otherKeys = otherKeys;
    return this;
  }

  private static double oneOf(
      String shortName,
      @Nullable Double shortValue,
      String longName,
      @Nullable Double longValue,
      double start) {
    if (shortValue != null && longValue != null && !shortValue.equals(longValue)) {
      throw new IllegalArgumentException(
          "%s and %s are the same field, but are set to %s and %s: set one of them"
              .formatted(shortName, longName, shortValue, longValue));
    }
    return shortValue != null ? shortValue : longValue != null ? longValue : start;
  }

  private LoraConfigBuilder refuse(UnbuiltSetting setting, Object value) {
    setting.refuse(value);
    return this;
  }

  private static List<Integer> boxed(int... values) {
    return Arrays.stream(values).boxed().toList();
  }
}
