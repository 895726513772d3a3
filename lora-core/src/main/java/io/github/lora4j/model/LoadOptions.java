package io.github.lora4j.model;

import io.github.lora4j.io.hub.HubOptions;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import java.util.Optional;
import java.util.OptionalInt;

/** How a model is loaded. */
public final class LoadOptions {

  private final Optional<DType> dtype;
  private final Optional<Device> device;
  private final OptionalInt padTokenId;
  private final Optional<ProblemType> problemType;
  private final long headSeed;
  private final Optional<Quantization> quantization;
  private final Optional<HubOptions> hub;

  private LoadOptions(Builder builder) {
    this.dtype = builder.dtype;
    this.device = builder.device;
    this.padTokenId = builder.padTokenId;
    this.problemType = builder.problemType;
    this.headSeed = builder.headSeed;
    this.quantization = builder.quantization;
    this.hub = builder.hub;
  }

  /** The checkpoint's dtype, on {@link Device#auto()}. */
  public static LoadOptions defaults() {
    return builder().build();
  }

  /** Starts from the defaults. */
  public static Builder builder() {
    return new Builder();
  }

  /** The dtype to convert to; empty keeps the checkpoint's. */
  public Optional<DType> dtype() {
    return dtype;
  }

  /** Where to load; empty means {@link Device#auto()}. */
  public Optional<Device> device() {
    return device;
  }

  /** The token that a classifier takes for padding; empty means what {@code config.json} says. */
  public OptionalInt padTokenId() {
    return padTokenId;
  }

  /** The loss of a classifier; empty means what {@code config.json} says, or the labels. */
  public Optional<ProblemType> problemType() {
    return problemType;
  }

  /** What a classifier's head is drawn from where the checkpoint has none. */
  public long headSeed() {
    return headSeed;
  }

  /** How to quantize; empty keeps the weights as the checkpoint has them. */
  public Optional<Quantization> quantization() {
    return quantization;
  }

  /** How a model that is named rather than given as a folder is downloaded. */
  public HubOptions hub() {
    return hub.orElseGet(HubOptions::defaults);
  }

  /** Collects options. */
  public static final class Builder {
    private Optional<DType> dtype = Optional.empty();
    private Optional<Device> device = Optional.empty();
    private OptionalInt padTokenId = OptionalInt.empty();
    private Optional<ProblemType> problemType = Optional.empty();
    private long headSeed = 42;
    private Optional<Quantization> quantization = Optional.empty();
    private Optional<HubOptions> hub = Optional.empty();

    private Builder() {}

    /**
     * The dtype of all weights: F32, BF16 or F16. Default: what the checkpoint holds, without a
     * copy; where it holds several, the one that {@code config.json} names, or else the
     * embedding's.
     */
    public Builder dtype(DType dtype) {
      if (dtype != DType.F32 && dtype != DType.BF16 && dtype != DType.F16) {
        throw new IllegalArgumentException("dtype: expected F32, BF16 or F16, found " + dtype);
      }
      this.dtype = Optional.of(dtype);
      return this;
    }

    /** Where the model lives. Default: {@link Device#auto()}. */
    public Builder device(Device device) {
      this.device = Optional.of(device);
      return this;
    }

    /**
     * The token that pads the texts of a classifier, usually the tokenizer's. Default: {@code
     * pad_token_id} of {@code config.json}, which some models lack.
     */
    public Builder padTokenId(int padTokenId) {
      if (padTokenId < 0) {
        throw new IllegalArgumentException("padTokenId: expected at least 0, found " + padTokenId);
      }
      this.padTokenId = OptionalInt.of(padTokenId);
      return this;
    }

    /**
     * The loss of a classifier. Default: {@code problem_type} of {@code config.json}; without one,
     * what the number of labels and their kind suggest: see {@link ProblemType}.
     */
    public Builder problemType(ProblemType problemType) {
      this.problemType = Optional.of(problemType);
      return this;
    }

    /** What a classifier's head is drawn from where the checkpoint has none. Default: 42. */
    public Builder headSeed(long headSeed) {
      this.headSeed = headSeed;
      return this;
    }

    /**
     * Quantizes linear layers while they are loaded, one after the other, such as {@code
     * BitsAndBytesConfig.nf4()} of lora-quant. Default: none; a checkpoint that is quantized
     * already is loaded as it is, without this option, and with it must be quantized in the same
     * way.
     */
    public Builder quantization(Quantization quantization) {
      this.quantization = Optional.of(quantization);
      return this;
    }

    /**
     * The revision of a model that is named rather than given as a folder: a branch, a tag or a
     * full commit hash. Default: {@code main}. The same as {@link #hub} with nothing but this.
     *
     * @throws IllegalArgumentException if it can't be the name of a revision
     */
    public Builder revision(String revision) {
      return hub(HubOptions.builder().revision(revision).build());
    }

    /**
     * How a model that is named rather than given as a folder is downloaded. Default: {@link
     * HubOptions#defaults()}.
     */
    public Builder hub(HubOptions hub) {
      this.hub = Optional.of(hub);
      return this;
    }

    /** Builds the options. */
    public LoadOptions build() {
      return new LoadOptions(this);
    }
  }
}
