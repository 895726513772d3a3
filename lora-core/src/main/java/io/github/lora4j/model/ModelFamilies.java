package io.github.lora4j.model;

import io.github.lora4j.error.UnsupportedModelException;
import java.util.List;

/** The families that LoRA4J knows. */
public final class ModelFamilies {

  private static final List<ModelFamily> ALL =
      List.of(
          new LlamaFamily(),
          new MistralFamily(),
          new Qwen2Family(),
          new Qwen3Family(),
          new Phi3Family(),
          new GemmaFamily(),
          new Gemma2Family(),
          new Gemma3TextFamily(),
          new Gemma3Family(),
          new Olmo2Family(),
          new SmolLM3Family(),
          new GraniteFamily(),
          new PhiFamily(),
          new Gpt2Family(),
          new GptNeoXFamily(),
          new OptFamily(),
          new FalconFamily(),
          new StableLmFamily(),
          new Starcoder2Family(),
          new MixtralFamily(),
          new Qwen3MoeFamily());

  private ModelFamilies() {}

  /**
   * Finds the family of a configuration.
   *
   * @throws UnsupportedModelException if there is none, with a list of those that are known
   */
  public static ModelFamily of(ModelConfig config) {
    String modelType = config.modelType();
    return ALL.stream()
        .filter(
            family ->
                family.modelType().equals(modelType)
                    || family.olderModelTypes().contains(modelType))
        .findFirst()
        .orElseThrow(
            () ->
                new UnsupportedModelException(
                    config.source()
                        + ": model_type '"
                        + modelType
                        + "' is not supported; known are: "
                        + String.join(", ", modelTypes())
                        + "."
                        + aboutItsText(config)));
  }

  /** The {@code model_type} of every family. */
  public static List<String> modelTypes() {
    return ALL.stream().map(ModelFamily::modelType).toList();
  }

  private static String aboutItsText(ModelConfig config) {
    return config
        .section("text_config")
        .map(
            text ->
                " This is a model of texts and more. Its text model (model_type '"
                    + text.string("model_type", "unknown")
                    + "') is loaded from a folder of its own: docs/COMPATIBILITY.md says how to"
                    + " write it.")
        .orElse("");
  }
}
