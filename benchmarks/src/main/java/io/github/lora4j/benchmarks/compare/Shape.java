package io.github.lora4j.benchmarks.compare;

import java.util.Locale;

/** The sizes of a well-known model; the weights are random, which no timing notices. */
enum Shape implements RandomModel {
  /** Small. */
  S("SmolLM2-135M", 576, 30, 9, 3, 1536, 49_152, 100_000, 8192, 1e-5),
  /** Medium, as a Llama: without the biases that Qwen2 has. */
  M("Qwen2.5-0.5B", 896, 24, 14, 2, 4864, 151_936, 1_000_000, 32_768, 1e-6),
  /** Large. */
  L("Llama-3.2-1B", 2048, 16, 32, 8, 8192, 128_256, 500_000, 131_072, 1e-5),
  /** Tiny, to try the benchmarks themselves. */
  T("nothing real", 64, 2, 4, 2, 128, 512, 10_000, 1024, 1e-5);

  private final String likeness;
  private final int hiddenSize;
  private final int layers;
  private final int heads;
  private final int kvHeads;
  private final int intermediateSize;
  private final int vocabSize;
  private final int ropeTheta;
  private final int maxPositions;
  private final double normEpsilon;

  Shape(
      String likeness,
      int hiddenSize,
      int layers,
      int heads,
      int kvHeads,
      int intermediateSize,
      int vocabSize,
      int ropeTheta,
      int maxPositions,
      double normEpsilon) {
    this.likeness = likeness;
    this.hiddenSize = hiddenSize;
    this.layers = layers;
    this.heads = heads;
    this.kvHeads = kvHeads;
    this.intermediateSize = intermediateSize;
    this.vocabSize = vocabSize;
    this.ropeTheta = ropeTheta;
    this.maxPositions = maxPositions;
    this.normEpsilon = normEpsilon;
  }

  /** The model whose sizes these are. */
  @Override
  public String likeness() {
    return likeness;
  }

  int hiddenSize() {
    return hiddenSize;
  }

  int layers() {
    return layers;
  }

  int vocabSize() {
    return vocabSize;
  }

  /** Width of the queries: all heads side by side. */
  int queryWidth() {
    return hiddenSize;
  }

  /** Inputs of a linear layer, by its name in a block. */
  int inputsOf(String linear) {
    return linear.equals("down_proj") ? intermediateSize : hiddenSize;
  }

  /** Outputs of a linear layer, by its name in a block. */
  int outputsOf(String linear) {
    return switch (linear) {
      case "k_proj", "v_proj" -> hiddenSize / heads * kvHeads;
      case "gate_proj", "up_proj" -> intermediateSize;
      default -> hiddenSize;
    };
  }

  @Override
  public String configJson() {
    return String.format(
        Locale.ROOT,
        """
        {
          "architectures": ["LlamaForCausalLM"],
          "model_type": "llama",
          "dtype": "bfloat16",
          "vocab_size": %d,
          "hidden_size": %d,
          "intermediate_size": %d,
          "num_hidden_layers": %d,
          "num_attention_heads": %d,
          "num_key_value_heads": %d,
          "head_dim": %d,
          "max_position_embeddings": %d,
          "rope_theta": %d,
          "rms_norm_eps": %s,
          "hidden_act": "silu",
          "initializer_range": 0.02,
          "attention_bias": false,
          "mlp_bias": false,
          "tie_word_embeddings": true,
          "pad_token_id": 0,
          "bos_token_id": 1,
          "eos_token_id": 2
        }
        """,
        vocabSize,
        hiddenSize,
        intermediateSize,
        layers,
        heads,
        kvHeads,
        hiddenSize / heads,
        maxPositions,
        ropeTheta,
        normEpsilon);
  }
}
