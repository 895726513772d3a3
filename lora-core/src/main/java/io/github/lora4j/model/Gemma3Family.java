package io.github.lora4j.model;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Gemma 3 with images, from 4B on: its text model, which is {@link Gemma3TextFamily}'s under other
 * names. The tower that sees images is left out, and written again with the model.
 */
final class Gemma3Family implements ModelFamily {

  private static final String TEXT = "text_config";

  /** What the text model is called among the modules, and what in files. */
  private static final String MODULE = "model.language_model.";

  private static final String STORED = "language_model.model.";

  private static final List<String> OF_IMAGES =
      List.of(
          "vision_tower.",
          "multi_modal_projector.",
          "model.vision_tower.",
          "model.multi_modal_projector.");

  /** What the files of the first models leave out. */
  private static final Map<String, Integer> DEFAULTS =
      Map.of(
          "vocab_size", 262_208,
          "hidden_size", 2304,
          "intermediate_size", 9216,
          "num_hidden_layers", 26,
          "num_attention_heads", 8);

  private final Gemma3TextFamily text = new Gemma3TextFamily();

  @Override
  public String modelType() {
    return "gemma3";
  }

  @Override
  public DecoderSpec describe(ModelConfig config) {
    ModelConfig ofText =
        config.section(TEXT).orElseGet(() -> ModelConfig.of("{}", config.source() + ": " + TEXT));
    for (Map.Entry<String, Integer> silent : DEFAULTS.entrySet()) {
      if (!ofText.has(silent.getKey())) {
        ofText = ofText.withValue(silent.getKey(), silent.getValue());
      }
    }
    DecoderSpec spec = text.describe(ofText);
    return new DecoderSpec(
        spec.hiddenSize(),
        spec.maxPositionEmbeddings(),
        config.flag("tie_word_embeddings", true),
        new DecoderSpec.EmbeddingSpec(
            MODULE + "embed_tokens",
            spec.embedding().vocabSize(),
            spec.embedding().scale(),
            Optional.empty()),
        MODULE + "layers",
        spec.blocks(),
        spec.norm().map(norm -> norm.named(MODULE + "norm")),
        // transformers overlooks final_logit_softcapping here.
        DecoderSpec.HeadSpec.of(spec.head().name()));
  }

  @Override
  public List<String> defaultTargetModules() {
    return text.defaultTargetModules();
  }

  @Override
  public String causalLmClass() {
    return "Gemma3ForConditionalGeneration";
  }

  @Override
  public String sequenceClassifierClass() {
    return "Gemma3ForSequenceClassification";
  }

  @Override
  public OptionalInt defaultPadTokenId() {
    return text.defaultPadTokenId();
  }

  @Override
  public String storedName(String parameterName) {
    if (parameterName.startsWith(MODULE)) {
      return STORED + parameterName.substring(MODULE.length());
    }
    return parameterName.startsWith("lm_head.") ? "language_model." + parameterName : parameterName;
  }

  @Override
  public boolean ignores(String tensorName) {
    return OF_IMAGES.stream().anyMatch(tensorName::startsWith) || text.ignores(tensorName);
  }

  @Override
  public List<String> carriedPrefixes() {
    return OF_IMAGES;
  }
}
