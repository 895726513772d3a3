package io.github.lora4j.model;

import io.github.lora4j.io.Checkpoint;
import io.github.lora4j.io.hub.ModelHub;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Generator;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;

/** Loads causal language models of every family that LoRA4J knows. */
public final class AutoModelForCausalLM {

  private AutoModelForCausalLM() {}

  /** Loads a Hugging Face folder in its own dtype onto {@link Device#auto()}. */
  public static CausalLM fromPretrained(Path modelDir) {
    return fromPretrained(modelDir, LoadOptions.defaults());
  }

  /** Loads a folder or a repository of the Hugging Face hub in its own dtype. */
  public static CausalLM fromPretrained(String nameOrPath) {
    return fromPretrained(nameOrPath, LoadOptions.defaults());
  }

  /**
   * Loads a folder, or a repository of the Hugging Face hub such as {@code org/name}, which is
   * downloaded once: see {@link ModelHub#resolve} and {@link LoadOptions#hub}.
   *
   * @throws io.github.lora4j.error.HubException if it can't be downloaded
   */
  public static CausalLM fromPretrained(String nameOrPath, LoadOptions options) {
    return fromPretrained(ModelHub.resolve(nameOrPath, options.hub()), options);
  }

  /**
   * Loads a Hugging Face folder.
   *
   * @param modelDir holds {@code config.json} and {@code model.safetensors}, or its shards and
   *     their index
   * @return the model, all parameters frozen, for the caller to close
   * @throws io.github.lora4j.error.CheckpointFormatException listing all tensors that don't fit
   * @throws io.github.lora4j.error.UnsupportedModelException if the family is unknown
   */
  public static CausalLM fromPretrained(Path modelDir, LoadOptions options) {
    ModelConfig config = ModelConfig.load(modelDir);
    Optional<Quantization> stored = Quantizations.stored(config, options);
    ModelFamily family = ModelFamilies.of(config);
    DecoderSpec described = family.describe(config);
    try (Checkpoint checkpoint = Checkpoint.open(modelDir)) {
      SizeLimits.check(config, described, checkpoint);
      StoredNames names = new StoredNames(checkpoint, family, described);
      boolean untie =
          described.tieWordEmbeddings()
              && TiedHead.isContradicted(checkpoint, names, described, config);
      DecoderSpec spec = untie ? described.untied() : described;
      CausalLayers layers =
          CheckpointWeights.load(
              checkpoint,
              names,
              config,
              options,
              stored,
              weights -> CausalLayers.build(spec, weights),
              name ->
                  family.ignores(name)
                      || name.equals(ScoredLayers.SCORE + ".weight")
                      || spec.tieWordEmbeddings()
                          && name.equals(names.of(spec.head().name() + ".weight")));
      return new CausalLM(
          Quantizations.written(untie ? config.with(CausalLM.TIE, false) : config, stored, options),
          family,
          layers,
          Optional.of(modelDir),
          true);
    }
  }

  /**
   * Makes a model with fresh random float32 weights, for training from nothing.
   *
   * @param config as {@code config.json} has it; {@code initializer_range} is the matrices'
   *     standard deviation
   * @param seed the same seed gives the same weights on every machine
   * @return the model, all parameters frozen, for the caller to close
   */
  public static CausalLM fromConfig(ModelConfig config, long seed, Device device) {
    ModelFamily family = ModelFamilies.of(config);
    DecoderSpec spec = family.describe(config);
    SizeLimits.check(config, spec);
    try (TensorScope scope = TensorScope.open();
        Generator generator = Generator.of(seed)) {
      RandomWeights weights =
          new RandomWeights(
              generator,
              config.number("initializer_range", config.number("init_std", 0.02)),
              device,
              spec);
      CausalLayers layers = WeightSource.feed(weights, source -> CausalLayers.build(spec, source));
      return new CausalLM(config, family, layers, Optional.empty(), true);
    }
  }

  /**
   * Makes a model whose parameters have names, shapes and a dtype but no memory of their size: for
   * counting, and for asking what an adapter would match, before anything is loaded. What it would
   * compute means nothing.
   *
   * <p>The Python counterpart is {@code accelerate.init_empty_weights} around {@code from_config}.
   *
   * @param config as {@code config.json} has it; a quantization that it names is left aside
   * @return the model, all parameters frozen, for the caller to close
   */
  public static CausalLM withoutWeights(ModelConfig config, DType dtype) {
    ModelFamily family = ModelFamilies.of(config);
    DecoderSpec spec = family.describe(config);
    SizeLimits.check(config, spec);
    WeightSource hollow =
        (name, shape) -> {
          try (TensorScope scope = TensorScope.open()) {
            long[] ones = new long[shape.length];
            Arrays.fill(ones, 1);
            return TensorScope.keep(Tensor.zeros(dtype, Device.CPU, ones).expand(shape));
          }
        };
    CausalLayers layers = WeightSource.feed(hollow, source -> CausalLayers.build(spec, source));
    return new CausalLM(config, family, layers, Optional.empty(), true);
  }
}
