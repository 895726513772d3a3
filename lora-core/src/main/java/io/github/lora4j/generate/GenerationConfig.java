package io.github.lora4j.generate;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeSet;

/**
 * How text is generated, with transformers' names, defaults and meanings ({@code
 * GenerationConfig}); without {@code doSample} the likeliest token is taken at each step.
 *
 * <p>When sampling, the logits pass through repetition penalty, {@code minNewTokens}, temperature,
 * top-k, top-p and min-p, in this order, before a token is drawn.
 *
 * @param maxNewTokens the most tokens to produce after the prompt; default 20, at least 1
 * @param minNewTokens end-of-sequence tokens are ruled out before this many new tokens; default 0
 * @param doSample whether to draw tokens at random rather than take the likeliest; default false
 * @param temperature what the logits are divided by when sampling, above 0; default 1
 * @param topK when sampling, only the k likeliest tokens stay (and those that tie with the last of
 *     them); 0 for all; default 50
 * @param topP when sampling, only the likeliest tokens whose probabilities reach this sum stay; 0
 *     to 1; default 1, all
 * @param minP when sampling, only tokens at least this fraction as probable as the likeliest stay;
 *     0 to 1; default empty, all
 * @param repetitionPenalty how strongly tokens that already stand in the prompt or the new text are
 *     made less likely, sampling or not: their logits are divided by it if positive, multiplied if
 *     negative; above 0; default 1, not at all
 * @param seed where the draws start; the same seed, prompt and settings draw the same tokens again.
 *     Default empty: different ones each time
 * @param eosTokenIds the tokens that end a sequence; default empty: the tokenizer's, where there is
 *     a tokenizer
 * @param padTokenId what finished rows of a batch are fed until the others are done; default empty:
 *     the tokenizer's, or else the first end-of-sequence token
 * @param stopStrings texts that end a sequence as soon as the new text holds one; they are cut off
 *     together with whatever follows; default none
 */
public record GenerationConfig(
    int maxNewTokens,
    int minNewTokens,
    boolean doSample,
    double temperature,
    int topK,
    double topP,
    OptionalDouble minP,
    double repetitionPenalty,
    OptionalLong seed,
    List<Integer> eosTokenIds,
    OptionalInt padTokenId,
    List<String> stopStrings) {

  static final int DEFAULT_TOP_K = 50;

  /**
   * Checks every field and copies the lists.
   *
   * @throws IllegalArgumentException if a field is out of its range; the message names it
   */
  public GenerationConfig {
    require(maxNewTokens > 0, "maxNewTokens", "at least 1", maxNewTokens);
    require(minNewTokens >= 0, "minNewTokens", "0 or more", minNewTokens);
    require(
        minNewTokens <= maxNewTokens,
        "minNewTokens",
        "at most maxNewTokens=" + maxNewTokens,
        minNewTokens);
    require(
        temperature > 0 && Double.isFinite(temperature),
        "temperature",
        "above 0 (for the likeliest token at each step leave doSample at false)",
        temperature);
    require(topK >= 0, "topK", "at least 1, or 0 to keep all tokens,", topK);
    require(topP >= 0 && topP <= 1, "topP", "from 0 to 1", topP);
    double minimum = minP.orElse(0);
    require(minimum >= 0 && minimum <= 1, "minP", "from 0 to 1", minimum);
    require(
        repetitionPenalty > 0 && Double.isFinite(repetitionPenalty),
        "repetitionPenalty",
        "above 0",
        repetitionPenalty);
    eosTokenIds = List.copyOf(new LinkedHashSet<>(eosTokenIds));
    for (int id : eosTokenIds) {
      require(id >= 0, "eosTokenIds", "token ids of 0 or more", id);
    }
    require(padTokenId.orElse(0) >= 0, "padTokenId", "0 or more", padTokenId.orElse(0));
    stopStrings = List.copyOf(new LinkedHashSet<>(stopStrings));
    if (stopStrings.contains("")) {
      throw new IllegalArgumentException(
          "stopStrings holds an empty string, which every text contains: leave it out");
    }
  }

  private static void require(boolean valid, String field, String expected, Object found) {
    if (!valid) {
      throw new IllegalArgumentException(field + " must be " + expected + " but is " + found);
    }
  }

  /** Returns a builder that holds the defaults. */
  public static Builder builder() {
    return new Builder();
  }

  /**
   * Reads the settings that a model was published with: {@code generation_config.json} in the
   * model's folder, and for the token ids that it doesn't give, or without that file, {@code
   * config.json}.
   *
   * <p>{@code max_length}, which counts the prompt too, is not taken over. Settings for methods
   * that are not built here (beams, typical-p and so on) are named in a warning and left out.
   *
   * @param modelDir a folder in the Hugging Face format
   * @throws io.github.lora4j.error.CheckpointFormatException if a file is not JSON or a value has
   *     the wrong type or is out of range; the message names file and key
   * @throws java.io.UncheckedIOException if neither file is there or one cannot be read
   */
  public static GenerationConfig load(Path modelDir) {
    return GenerationConfigFile.read(modelDir);
  }

  /** Returns a builder that starts from these settings. */
  public Builder toBuilder() {
    return new Builder(this);
  }

  /** Collects settings; what is not set keeps its default. */
  public static final class Builder {
    private int maxNewTokens = 20;
    private int minNewTokens;
    private boolean doSample;
    private double temperature = 1;
    private int topK = DEFAULT_TOP_K;
    private double topP = 1;
    private OptionalDouble minP = OptionalDouble.empty();
    private double repetitionPenalty = 1;
    private OptionalLong seed = OptionalLong.empty();
    private List<Integer> eosTokenIds = List.of();
    private OptionalInt padTokenId = OptionalInt.empty();
    private List<String> stopStrings = List.of();

    /** Sampling settings that were asked for here, rather than taken over from elsewhere. */
    private final Set<String> samplingFields = new TreeSet<>();

    private Builder() {}

    private Builder(GenerationConfig from) {
      maxNewTokens = from.maxNewTokens;
      minNewTokens = from.minNewTokens;
      doSample = from.doSample;
      temperature = from.temperature;
      topK = from.topK;
      topP = from.topP;
      minP = from.minP;
      repetitionPenalty = from.repetitionPenalty;
      seed = from.seed;
      eosTokenIds = from.eosTokenIds;
      padTokenId = from.padTokenId;
      stopStrings = from.stopStrings;
    }

    /** Sets the most tokens to produce after the prompt. */
    public Builder maxNewTokens(int tokens) {
      maxNewTokens = tokens;
      return this;
    }

    /** Sets how many tokens are produced before an end-of-sequence token is allowed. */
    public Builder minNewTokens(int tokens) {
      minNewTokens = tokens;
      return this;
    }

    /** Sets whether tokens are drawn at random; without it the likeliest is taken. */
    public Builder doSample(boolean sample) {
      doSample = sample;
      return this;
    }

    /** Sets what the logits are divided by; needs {@code doSample(true)}. */
    public Builder temperature(double value) {
      temperature = value;
      return sampling("temperature", value != 1);
    }

    /** Sets how many of the likeliest tokens stay, 0 for all; needs {@code doSample(true)}. */
    public Builder topK(int k) {
      topK = k;
      return sampling("topK", k != DEFAULT_TOP_K);
    }

    /** Sets the probability that the tokens which stay must reach; needs {@code doSample(true)}. */
    public Builder topP(double p) {
      topP = p;
      return sampling("topP", p != 1);
    }

    /** Sets the least probability relative to the likeliest; needs {@code doSample(true)}. */
    public Builder minP(double p) {
      minP = OptionalDouble.of(p);
      return sampling("minP", true);
    }

    /** Sets how strongly tokens that were there before are made less likely; 1 for not at all. */
    public Builder repetitionPenalty(double penalty) {
      repetitionPenalty = penalty;
      return this;
    }

    /** Sets where the draws start, so that they can be repeated. */
    public Builder seed(long value) {
      seed = OptionalLong.of(value);
      return this;
    }

    /** Sets the tokens that end a sequence, instead of the tokenizer's. */
    public Builder eosTokenIds(int... ids) {
      eosTokenIds = Arrays.stream(ids).boxed().toList();
      return this;
    }

    /** Sets what finished rows are fed until the others are done. */
    public Builder padTokenId(int id) {
      padTokenId = OptionalInt.of(id);
      return this;
    }

    /** Sets the texts that end a sequence. */
    public Builder stopStrings(String... strings) {
      return stopStrings(Arrays.asList(strings));
    }

    /** Sets the texts that end a sequence. */
    public Builder stopStrings(List<String> strings) {
      stopStrings = new ArrayList<>(strings);
      return this;
    }

    private Builder sampling(String field, boolean matters) {
      if (matters) {
        samplingFields.add(field);
      } else {
        samplingFields.remove(field);
      }
      return this;
    }

    /**
     * Returns the settings.
     *
     * @throws IllegalArgumentException if a field is out of its range, or one that only matters
     *     when sampling was set here to anything but its default while {@code doSample} is false
     */
    public GenerationConfig build() {
      GenerationConfig config = buildInherited();
      if (!doSample && !samplingFields.isEmpty()) {
        throw new IllegalArgumentException(
            String.join(", ", samplingFields)
                + " would have no effect because doSample is false: add doSample(true) to sample,"
                + " or leave "
                + (samplingFields.size() == 1 ? "it" : "them")
                + " out to take the likeliest token at each step");
      }
      return config;
    }

    /** Builds without asking whether the sampling settings matter: a model's file may hold them. */
    GenerationConfig buildInherited() {
      return new GenerationConfig(
          maxNewTokens,
          minNewTokens,
          doSample,
          temperature,
          topK,
          topP,
          minP,
          repetitionPenalty,
          seed,
          eosTokenIds,
          padTokenId,
          stopStrings);
    }
  }
}
