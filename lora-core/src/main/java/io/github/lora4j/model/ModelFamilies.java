package io.github.lora4j.model;

import io.github.lora4j.error.UnsupportedModelException;
import java.util.List;
import java.util.stream.Collectors;

/** The families that LoRA4J knows. */
public final class ModelFamilies {

  private static final List<ModelFamily> ALL = List.of(new LlamaFamily());

  private ModelFamilies() {}

  /**
   * Finds the family of a configuration.
   *
   * @throws UnsupportedModelException if there is none, with a list of those that are known
   */
  public static ModelFamily of(ModelConfig config) {
    String modelType = config.modelType();
    return ALL.stream()
        .filter(family -> family.modelType().equals(modelType))
        .findFirst()
        .orElseThrow(
            () ->
                new UnsupportedModelException(
                    config.source()
                        + ": model_type '"
                        + modelType
                        + "' is not supported; known are: "
                        + ALL.stream().map(ModelFamily::modelType).collect(Collectors.joining(", "))
                        + "."));
  }
}
