package io.github.lora4j.model;

/**
 * What a family's checkpoints call the parts of the decoder; names inside a block are relative to
 * it.
 *
 * @param embedTokens the embedding
 * @param layers the list of blocks, without the index
 * @param norm the last norm
 * @param inputNorm a block's first norm
 * @param postAttentionNorm a block's second norm
 * @param q query projection
 * @param k key projection
 * @param v value projection
 * @param o output projection of attention
 * @param gate gate of the MLP
 * @param up up projection of the MLP
 * @param down down projection of the MLP
 */
public record ModuleNames(
    String embedTokens,
    String layers,
    String norm,
    String inputNorm,
    String postAttentionNorm,
    String q,
    String k,
    String v,
    String o,
    String gate,
    String up,
    String down) {

  /** The names that Llama and most families after it use. */
  public static ModuleNames llama() {
    return new ModuleNames(
        "model.embed_tokens",
        "model.layers",
        "model.norm",
        "input_layernorm",
        "post_attention_layernorm",
        "self_attn.q_proj",
        "self_attn.k_proj",
        "self_attn.v_proj",
        "self_attn.o_proj",
        "mlp.gate_proj",
        "mlp.up_proj",
        "mlp.down_proj");
  }

  /** The full name of a part of a block. */
  public String inLayer(int layer, String part) {
    return layers + "." + layer + "." + part;
  }
}
