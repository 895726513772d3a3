package io.github.lora4j.quant;

import io.github.lora4j.io.Checkpoint;
import io.github.lora4j.model.LinearShape;
import io.github.lora4j.model.Quantization;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * How bitsandbytes quantizes a model's linear layers: {@code transformers.BitsAndBytesConfig}.
 *
 * <pre>{@code
 * LoadOptions.builder().dtype(BF16).quantization(BitsAndBytesConfig.nf4()).build()
 * }</pre>
 *
 * <p>Names and defaults are those of transformers. A checkpoint's own {@code quantization_config}
 * is read without it.
 *
 * <p>LLM.int8 computes with the same 8-bit weights as bitsandbytes, but doesn't round the
 * activations to 8 bits; so there are no columns of outliers to be computed apart, and {@link
 * #llmInt8Threshold} is kept for other programs only. Results are nearer to the unquantized model
 * than those of bitsandbytes.
 */
public final class BitsAndBytesConfig implements Quantization {

  private final boolean loadIn4Bit;
  private final Bnb4BitQuantType quantType;
  private final boolean doubleQuant;
  private final DType computeDType;
  private final int blocksize;
  private final DType quantStorage;
  private final double int8Threshold;
  private final Optional<List<String>> skipModules;
  private final SkippedModules skipped;

  private BitsAndBytesConfig(Builder builder) {
    if (builder.loadIn4Bit == builder.loadIn8Bit) {
      throw new IllegalArgumentException(
          builder.loadIn4Bit
              ? "loadIn4Bit and loadIn8Bit are both set: choose one."
              : "Neither loadIn4Bit nor loadIn8Bit is set, so nothing would be quantized: set"
                  + " one.");
    }
    this.loadIn4Bit = builder.loadIn4Bit;
    this.quantType = builder.quantType;
    this.doubleQuant = builder.doubleQuant;
    this.computeDType = builder.computeDType;
    this.blocksize = builder.blocksize;
    this.quantStorage = builder.quantStorage;
    this.int8Threshold = builder.int8Threshold;
    this.skipModules = builder.skipModules;
    this.skipped = SkippedModules.of(builder.skipModules);
  }

  /** Starts from transformers' defaults, which quantize nothing: set 4 or 8 bits. */
  public static Builder builder() {
    return new Builder();
  }

  /** QLoRA's choice: NF4 with coded scales, computed in bfloat16. */
  public static BitsAndBytesConfig nf4() {
    return builder()
        .loadIn4Bit(true)
        .bnb4BitQuantType(Bnb4BitQuantType.NF4)
        .bnb4BitUseDoubleQuant(true)
        .bnb4BitComputeDtype(DType.BF16)
        .build();
  }

  /** LLM.int8: 8-bit weights with a scale for each row. */
  public static BitsAndBytesConfig int8() {
    return builder().loadIn8Bit(true).build();
  }

  // ---- what it says

  /** Whether weights have 4 bits. */
  public boolean loadIn4Bit() {
    return loadIn4Bit;
  }

  /** Whether weights have 8 bits. */
  public boolean loadIn8Bit() {
    return !loadIn4Bit;
  }

  /** The values of 4-bit weights. */
  public Bnb4BitQuantType bnb4BitQuantType() {
    return quantType;
  }

  /** Whether the scales of 4-bit weights are coded in 8 bits themselves. */
  public boolean bnb4BitUseDoubleQuant() {
    return doubleQuant;
  }

  /** What 4-bit weights are multiplied in. */
  public DType bnb4BitComputeDtype() {
    return computeDType;
  }

  /** How many 4-bit weights share a scale. */
  public int bnb4BitBlocksize() {
    return blocksize;
  }

  /** The dtype that a checkpoint gives the codes of 4-bit weights. */
  public DType bnb4BitQuantStorage() {
    return quantStorage;
  }

  /** The magnitude from which bitsandbytes computes activations in 16 bits; no effect here. */
  public double llmInt8Threshold() {
    return int8Threshold;
  }

  /** The modules that stay as they are; empty means the default, the head. */
  public Optional<List<String>> llmInt8SkipModules() {
    return skipModules;
  }

  // ---- what models do with it

  @Override
  public Map<String, Object> toConfig() {
    Map<String, Object> config = new TreeMap<>(); // transformers sorts, too
    config.put("_load_in_4bit", loadIn4Bit);
    config.put("_load_in_8bit", !loadIn4Bit);
    config.put("bnb_4bit_compute_dtype", computeDType.torchName());
    config.put("bnb_4bit_quant_storage", quantStorage.torchName());
    config.put("bnb_4bit_quant_type", quantType.configName());
    config.put("bnb_4bit_use_double_quant", doubleQuant);
    config.put("llm_int8_enable_fp32_cpu_offload", false);
    config.put("llm_int8_has_fp16_weight", false);
    skipModules.ifPresent(names -> config.put("llm_int8_skip_modules", names));
    config.put("llm_int8_threshold", int8Threshold);
    config.put("load_in_4bit", loadIn4Bit);
    config.put("load_in_8bit", !loadIn4Bit);
    config.put("quant_method", "bitsandbytes");
    return config;
  }

  @Override
  public boolean quantizes(LinearShape layer) {
    return !skipped.contain(layer);
  }

  /**
   * The checkpoint's own configuration, computed in this one's dtype.
   *
   * @throws IllegalArgumentException if the checkpoint's has other bits or another quant type
   */
  @Override
  public Quantization forCheckpoint(Quantization stored) {
    if (!(stored instanceof BitsAndBytesConfig theirs)
        || theirs.loadIn4Bit != loadIn4Bit
        || loadIn4Bit && theirs.quantType != quantType) {
      throw new IllegalArgumentException(
          "quantization: the checkpoint is quantized already, as "
              + stored
              + ", and can't become "
              + this
              + ": leave the option out, or load the unquantized checkpoint.");
    }
    return theirs.toBuilder().bnb4BitComputeDtype(computeDType).build();
  }

  @Override
  public Optional<Map<String, StoredTensor>> storedTensors(
      LinearShape layer, Checkpoint checkpoint, String weightName) {
    return StoredWeights.tensors(layer, checkpoint, weightName, quantType);
  }

  @Override
  public Layers open(DType dtype, Device device) {
    return new BnbLayers(this, dtype, device);
  }

  /** A builder with these values. */
  public Builder toBuilder() {
    Builder builder = new Builder();
    builder.loadIn4Bit = loadIn4Bit;
    builder.loadIn8Bit = !loadIn4Bit;
    builder.quantType = quantType;
    builder.doubleQuant = doubleQuant;
    builder.computeDType = computeDType;
    builder.blocksize = blocksize;
    builder.quantStorage = quantStorage;
    builder.int8Threshold = int8Threshold;
    builder.skipModules = skipModules;
    return builder;
  }

  /** The kind of weights, such as {@code NF4 in blocks of 64, scales coded, computed in BF16}. */
  @Override
  public String toString() {
    return loadIn4Bit
        ? quantType
            + " in blocks of "
            + blocksize
            + (doubleQuant ? ", scales coded" : "")
            + ", computed in "
            + computeDType
        : "LLM.int8";
  }

  /** Collects the settings. */
  public static final class Builder {
    private boolean loadIn4Bit;
    private boolean loadIn8Bit;
    private Bnb4BitQuantType quantType = Bnb4BitQuantType.FP4;
    private boolean doubleQuant;
    private DType computeDType = DType.F32;
    private int blocksize = 64;
    private DType quantStorage = DType.U8;
    private double int8Threshold = 6;
    private Optional<List<String>> skipModules = Optional.empty();

    private Builder() {}

    /** Quantizes to 4 bits. Default: off. */
    public Builder loadIn4Bit(boolean on) {
      this.loadIn4Bit = on;
      return this;
    }

    /** Quantizes to 8 bits, a scale for each row: LLM.int8. Default: off. */
    public Builder loadIn8Bit(boolean on) {
      this.loadIn8Bit = on;
      return this;
    }

    /** The values of 4-bit weights. Default: FP4, as in transformers; QLoRA takes NF4. */
    public Builder bnb4BitQuantType(Bnb4BitQuantType type) {
      this.quantType = type;
      return this;
    }

    /** Whether scales are coded, too, which saves 0.4 bits a weight. Default: false. */
    public Builder bnb4BitUseDoubleQuant(boolean on) {
      this.doubleQuant = on;
      return this;
    }

    /**
     * What 4-bit weights are multiplied in: F32, BF16 or F16. Inputs are converted to it, and
     * outputs back to the inputs' dtype. Default: F32, as in transformers.
     */
    public Builder bnb4BitComputeDtype(DType dtype) {
      if (dtype != DType.F32 && dtype != DType.BF16 && dtype != DType.F16) {
        throw new IllegalArgumentException(
            "bnb4BitComputeDtype: expected F32, BF16 or F16, found " + dtype);
      }
      this.computeDType = dtype;
      return this;
    }

    /**
     * How many 4-bit weights share a scale: a power of two from 32 to 4096. Default: 64, the only
     * one that transformers quantizes with; it loads all.
     */
    public Builder bnb4BitBlocksize(int blocksize) {
      if (blocksize < 32 || blocksize > 4096 || Integer.bitCount(blocksize) != 1) {
        throw new IllegalArgumentException(
            "bnb4BitBlocksize: expected a power of two from 32 to 4096, found " + blocksize);
      }
      this.blocksize = blocksize;
      return this;
    }

    /**
     * The dtype that a saved model gives the codes of 4-bit weights: U8, I8, BF16, F16, F32 or F64,
     * as sharding in Python may want them. The codes are the same, and a weight whose bytes don't
     * fill whole numbers stays U8. Default: U8.
     */
    public Builder bnb4BitQuantStorage(DType dtype) {
      if (!StoredWeights.STORAGE.contains(dtype)) {
        throw new IllegalArgumentException(
            "bnb4BitQuantStorage: expected one of " + StoredWeights.STORAGE + ", found " + dtype);
      }
      this.quantStorage = dtype;
      return this;
    }

    /**
     * Whether 16-bit weights are kept beside 8-bit ones: only false, the default.
     *
     * @throws IllegalArgumentException if it is true
     */
    public Builder llmInt8HasFp16Weight(boolean on) {
      if (on) {
        throw new IllegalArgumentException(
            "llmInt8HasFp16Weight: expected false, since weights beside the 8-bit ones would take"
                + " more memory than no quantization: train an adapter on the 8-bit weights, or"
                + " load the model without quantization.");
      }
      return this;
    }

    /**
     * Whether some layers stay in float32 on the CPU beside a GPU: only false, the default.
     *
     * @throws IllegalArgumentException if it is true
     */
    public Builder llmInt8EnableFp32CpuOffload(boolean on) {
      if (on) {
        throw new IllegalArgumentException(
            "llmInt8EnableFp32CpuOffload: expected false, since a model lies on one device: choose"
                + " 4 bits, or the CPU for all of it (LoadOptions.builder().device(Device.CPU)).");
      }
      return this;
    }

    /** Written to {@code config.json} for bitsandbytes, without effect here. Default: 6. */
    public Builder llmInt8Threshold(double threshold) {
      if (!Double.isFinite(threshold)) {
        throw new IllegalArgumentException(
            "llmInt8Threshold: expected a finite number, found " + threshold);
      }
      this.int8Threshold = threshold;
      return this;
    }

    /**
     * The modules that stay as they are, in 4 bits, too: names that a module's begins or ends with,
     * or regular expressions that it begins with. Default: the head, {@code lm_head} or {@code
     * score}. As in transformers the default ends with the first name given: name the head, too.
     */
    public Builder llmInt8SkipModules(String... names) {
      return llmInt8SkipModules(List.of(names));
    }

    Builder llmInt8SkipModules(List<String> names) {
      this.skipModules = Optional.of(List.copyOf(new ArrayList<>(names)));
      return this;
    }

    /**
     * Builds the configuration.
     *
     * @throws IllegalArgumentException if 4 and 8 bits are both set or neither is, or a pattern
     *     isn't valid
     */
    public BitsAndBytesConfig build() {
      return new BitsAndBytesConfig(this);
    }
  }
}
