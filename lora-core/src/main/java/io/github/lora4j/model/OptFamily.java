package io.github.lora4j.model;

import io.github.lora4j.model.BlockSpec.Arrangement;
import io.github.lora4j.model.DecoderSpec.EmbeddingSpec;
import io.github.lora4j.model.DecoderSpec.HeadSpec;
import io.github.lora4j.model.DecoderSpec.LinearSpec;
import io.github.lora4j.model.DecoderSpec.PositionSpec;
import io.github.lora4j.model.DecoderSpec.ProjectionSpec;
import io.github.lora4j.nn.AttentionShape;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * OPT, whose 350m model differs: norms behind the sums, and token vectors of another size than
 * hidden states.
 */
final class OptFamily implements ModelFamily {

  /** The table of positions begins with two rows that no token has. */
  private static final int POSITION_OFFSET = 2;

  private static final double EPS = 1e-5;

  @Override
  public String modelType() {
    return "opt";
  }

  @Override
  public DecoderSpec describe(ModelConfig config) {
    FamilyReader read = new FamilyReader(config);
    read.refuse(
        !config.flag("layer_norm_elementwise_affine", true),
        "layer_norm_elementwise_affine",
        "true");
    boolean normBefore = config.flag("do_layer_norm_before", true);
    boolean normLast = normBefore && !config.flag("_remove_final_layer_norm", false);
    BlockSpec block = block(config, read, normBefore);
    int maxPositions = read.maxPositions(2048);
    return new DecoderSpec(
        read.hiddenSize(),
        maxPositions,
        config.flag("tie_word_embeddings", true),
        embedding(config, read, maxPositions),
        "model.decoder.layers",
        read.blocks(layer -> block),
        normLast
            ? Optional.of(NormSpec.layer("model.decoder.final_layer_norm", EPS))
            : Optional.empty(),
        HeadSpec.of("lm_head"));
  }

  private static EmbeddingSpec embedding(ModelConfig config, FamilyReader read, int maxPositions) {
    long rows = (long) maxPositions + POSITION_OFFSET;
    EmbeddingSpec embedding =
        EmbeddingSpec.of("model.decoder.embed_tokens", config.size("vocab_size"))
            .withPositions(
                new PositionSpec(
                    "model.decoder.embed_positions",
                    (int) Math.min(rows, Integer.MAX_VALUE),
                    POSITION_OFFSET,
                    true));
    String key = "word_embed_proj_dim";
    int features = config.has(key) ? config.size(key) : read.hiddenSize();
    return features == read.hiddenSize()
        ? embedding
        : embedding.withProjection(
            new ProjectionSpec(
                features,
                LinearSpec.of("model.decoder.project_in", false),
                LinearSpec.of("model.decoder.project_out", false)));
  }

  private static BlockSpec block(ModelConfig config, FamilyReader read, boolean normBefore) {
    boolean bias = config.flag("enable_bias", true);
    AttentionSpec attention =
        AttentionSpec.llama(
                AttentionShape.of(read.heads(), read.heads(), read.evenShare(), Optional.empty()),
                bias,
                bias)
            .withOutput(LinearSpec.of("self_attn.out_proj", bias));
    MlpSpec mlp =
        new MlpSpec.Plain(
            LinearSpec.of("fc1", bias),
            LinearSpec.of("fc2", bias),
            config.size("ffn_dim"),
            read.activation("activation_function", "relu"));
    NormSpec ofAttention = NormSpec.layer("self_attn_layer_norm", EPS);
    NormSpec ofMlp = NormSpec.layer("final_layer_norm", EPS);
    return normBefore
        ? BlockSpec.preNorm(ofAttention, attention, ofMlp, mlp)
        : new BlockSpec(
            Arrangement.NORM_OF_SUM,
            Optional.empty(),
            Optional.of(ofAttention),
            Optional.empty(),
            Optional.of(ofMlp),
            attention,
            mlp,
            1);
  }

  @Override
  public List<String> defaultTargetModules() {
    return List.of("q_proj", "v_proj");
  }

  @Override
  public String causalLmClass() {
    return "OPTForCausalLM";
  }

  @Override
  public OptionalInt defaultPadTokenId() {
    return OptionalInt.of(1);
  }
}
