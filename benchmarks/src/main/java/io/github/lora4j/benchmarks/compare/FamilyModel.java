package io.github.lora4j.benchmarks.compare;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/**
 * A small model of a family, with four layers of 256 features.
 *
 * @param modelType of its {@code config.json}, which {@code python/make_family_configs.py} wrote
 */
record FamilyModel(String modelType) implements RandomModel {

  static final String PREFIX = "family-";

  @Override
  public String name() {
    return PREFIX + modelType;
  }

  @Override
  public String likeness() {
    return "a small " + modelType;
  }

  @Override
  public String configJson() {
    String resource = "families/" + modelType + ".json";
    try (InputStream json = FamilyModel.class.getResourceAsStream(resource)) {
      if (json == null) {
        throw new IllegalStateException(
            resource
                + " is missing: benchmarks/python/make_family_configs.py writes it for every"
                + " family with a parity case");
      }
      return new String(json.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
