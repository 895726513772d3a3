package io.github.lora4j.quant;

import io.github.lora4j.model.AutoModelForCausalLM;
import io.github.lora4j.model.CausalLM;
import io.github.lora4j.model.LoadOptions;
import io.github.lora4j.model.ModelConfig;
import io.github.lora4j.peft.InitLoraWeights;
import io.github.lora4j.peft.LoraConfig;
import io.github.lora4j.peft.PeftModel;
import io.github.lora4j.quant.optim.BlockwiseOptimizers;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.train.OptimizerName;
import io.github.lora4j.train.TrainingArguments;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Says what is to run, for a {@link MemoryPlan}; what isn't said has the default of training.
 *
 * <p>Without {@link #lora} all parameters of the model learn. Counted is a causal language model
 * that trains on the CPU in its own dtype, with every position supervised; autocasting keeps more.
 */
public final class MemoryPlanBuilder {

  private final ModelConfig config;
  private Optional<DType> dtype = Optional.empty();
  private Optional<BitsAndBytesConfig> quantization = Optional.empty();
  private Optional<LoraConfig> lora = Optional.empty();
  private int batchSize = 8;
  private int sequenceLength = 512;
  private boolean gradientCheckpointing;
  private OptimizerName optim = OptimizerName.ADAMW_TORCH;

  MemoryPlanBuilder(ModelConfig config) {
    this.config = config;
  }

  /** What the weights are loaded in; default the checkpoint's dtype. */
  public MemoryPlanBuilder dtype(DType dtype) {
    this.dtype = Optional.of(dtype);
    return this;
  }

  /** How linear layers are quantized; default as {@code config.json} says, usually not. */
  public MemoryPlanBuilder quantization(BitsAndBytesConfig quantization) {
    this.quantization = Optional.of(quantization);
    return this;
  }

  /** The adapter that learns; default none: all parameters learn. */
  public MemoryPlanBuilder lora(LoraConfig lora) {
    this.lora = Optional.of(lora);
    return this;
  }

  /** Sequences of one forward pass; default 8. */
  public MemoryPlanBuilder batchSize(int batchSize) {
    this.batchSize = atLeastOne("batchSize", batchSize);
    return this;
  }

  /**
   * Tokens of a sequence; default 512. Padding isn't computed, so where lengths differ it is the
   * mean of a batch that counts.
   */
  public MemoryPlanBuilder sequenceLength(int sequenceLength) {
    this.sequenceLength = atLeastOne("sequenceLength", sequenceLength);
    return this;
  }

  /** Whether blocks are computed again on the way back; default false. */
  public MemoryPlanBuilder gradientCheckpointing(boolean gradientCheckpointing) {
    this.gradientCheckpointing = gradientCheckpointing;
    return this;
  }

  /** The optimizer; default AdamW with float32 states. */
  public MemoryPlanBuilder optim(OptimizerName optim) {
    this.optim = optim;
    return this;
  }

  /** Takes dtype and quantization from what the model will be loaded with. */
  public MemoryPlanBuilder loadOptions(LoadOptions options) {
    options.dtype().ifPresent(this::dtype);
    options
        .quantization()
        .ifPresent(
            given -> {
              if (!(given instanceof BitsAndBytesConfig known)) {
                throw new IllegalArgumentException(
                    "quantization: expected a BitsAndBytesConfig, found " + given);
              }
              quantization(known);
            });
    return this;
  }

  /**
   * Takes batch size, checkpointing and optimizer from a run's arguments.
   *
   * @throws IllegalArgumentException with {@code bf16}, whose activations aren't reckoned
   */
  public MemoryPlanBuilder arguments(TrainingArguments args) {
    if (args.bf16()) {
      throw new IllegalArgumentException(
          "bf16: expected false, found true: the activations of autocasting aren't reckoned; load"
              + " the model in BF16 instead, which takes less");
    }
    return batchSize(args.perDeviceTrainBatchSize())
        .gradientCheckpointing(args.gradientCheckpointing())
        .optim(args.optim());
  }

  private static int atLeastOne(String field, int value) {
    if (value < 1) {
      throw new IllegalArgumentException(field + ": expected at least 1, found " + value);
    }
    return value;
  }

  /**
   * Reckons.
   *
   * @throws io.github.lora4j.error.UnsupportedModelException if the family is unknown
   * @throws io.github.lora4j.error.AdapterMismatchException if the adapter doesn't fit the model
   */
  public MemoryPlan estimate() {
    Optional<BitsAndBytesConfig> stored =
        config
            .section("quantization_config")
            .flatMap(new BitsAndBytes()::read)
            .map(BitsAndBytesConfig.class::cast);
    DType storedType = config.dtype().orElse(DType.F32);
    DType type = dtype.orElse(storedType);
    try (CausalLM model = AutoModelForCausalLM.withoutWeights(config, type)) {
      ModelWeights weights = ModelWeights.of(model, quantization.or(() -> stored));
      boolean converted = type != storedType || quantization.isPresent();
      long loading =
          stored.isEmpty() && converted ? model.parameterCount() * storedType.byteSize() : 0;
      Map<String, Tensor> learning = new LinkedHashMap<>();
      if (lora.isEmpty()) {
        model.parameters().forEach(learning::put);
        return plan(model, weights, learning, loading, type);
      }
      // Other ways to begin look at the weights, which aren't there, and take no more memory.
      LoraConfig plain = lora.get().toBuilder().initLoraWeights(InitLoraWeights.KAIMING).build();
      try (PeftModel<CausalLM> peft = PeftModel.wrap(model, plain)) {
        learning.putAll(peft.trainableParameters());
        return plan(model, weights, learning, loading, type);
      }
    }
  }

  private MemoryPlan plan(
      CausalLM model,
      ModelWeights weights,
      Map<String, Tensor> learning,
      long loading,
      DType type) {
    long learnt = learning.values().stream().mapToLong(t -> t.numel() * t.dtype().byteSize()).sum();
    long states =
        learning.entrySet().stream()
            .mapToLong(e -> BlockwiseOptimizers.stateBytes(optim, e.getKey(), e.getValue().numel()))
            .sum();
    MemoryFormula formula =
        new MemoryFormula(
            model.spec(),
            type,
            new KeptActivations(
                model.spec(),
                type.byteSize(),
                MemoryFormula.ranks(model.linearLayers(), learning),
                lora.map(LoraConfig::dropout).orElse(0.0) > 0,
                lora.isEmpty()),
            batchSize,
            sequenceLength,
            gradientCheckpointing);
    // A copy of A and B in the model's dtype is kept with each block's activations.
    long copies = type == DType.F32 || gradientCheckpointing || lora.isEmpty() ? 0 : learnt / 2;
    long activations = formula.activations() + copies;
    long scratch = weights.largestQuantized() * type.byteSize();
    return new MemoryPlan(
        MemoryFormula.RUNTIME,
        weights.bytes(),
        lora.isPresent() ? learnt : 0,
        learnt,
        states,
        activations,
        formula.temporaries(),
        scratch,
        formula.overhead(activations),
        loading);
  }
}
