package io.github.lora4j.benchmarks.compare;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/** The sizes of a well-known model; the weights are random, which no timing notices. */
enum Shape implements RandomModel {
  /** Small. */
  S("SmolLM2-135M", 576, 30, 9, 3, 1536, 49_152, 100_000, 8192, 1e-5, true),
  /** Medium, as a Llama: without the biases that Qwen2 has. */
  M("Qwen2.5-0.5B", 896, 24, 14, 2, 4864, 151_936, 1_000_000, 32_768, 1e-6, true),
  /** Large. */
  L("Llama-3.2-1B", 2048, 16, 32, 8, 8192, 128_256, 500_000, 131_072, 1e-5, true),
  /** Extra large: only in 4 bits does it fit here. */
  XL("Llama-2-7B", 4096, 32, 32, 32, 11_008, 32_000, 10_000, 4096, 1e-5, false),
  /** Tiny, to try the benchmarks themselves. */
  T("nothing real", 64, 2, 4, 2, 128, 512, 10_000, 1024, 1e-5, true);

  private static final Set<String> OF_ATTENTION = Set.of("q_proj", "k_proj", "v_proj", "o_proj");

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
  private final boolean tied;

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
      double normEpsilon,
      boolean tied) {
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
    this.tied = tied;
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

  /** Whether the head multiplies by the embedding. */
  boolean isTied() {
    return tied;
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

  /** Its tensors and their shapes. */
  Map<String, long[]> tensors() {
    Map<String, long[]> tensors = new LinkedHashMap<>();
    tensors.put("model.embed_tokens.weight", new long[] {vocabSize, hiddenSize});
    for (int layer = 0; layer < layers; layer++) {
      String block = "model.layers." + layer + ".";
      for (String linear : Adapter.ALL16.targets()) {
        String part = OF_ATTENTION.contains(linear) ? "self_attn." : "mlp.";
        tensors.put(
            block + part + linear + ".weight", new long[] {outputsOf(linear), inputsOf(linear)});
      }
      tensors.put(block + "input_layernorm.weight", new long[] {hiddenSize});
      tensors.put(block + "post_attention_layernorm.weight", new long[] {hiddenSize});
    }
    tensors.put("model.norm.weight", new long[] {hiddenSize});
    if (!tied) {
      tensors.put("lm_head.weight", new long[] {vocabSize, hiddenSize});
    }
    return tensors;
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
          "tie_word_embeddings": %b,
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
        normEpsilon,
        tied);
  }
}
