package io.github.lora4j.train;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/** Finds a constant by the name that transformers gives it, such as {@code adamw_torch}. */
final class NamedChoice {

  private NamedChoice() {}

  /** The name of a constant as transformers writes it. */
  static String nameOf(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT);
  }

  /** The constant of that name, or an error that lists the ones that exist. */
  static <E extends Enum<E>> E of(String field, String name, E[] constants) {
    for (E constant : constants) {
      if (nameOf(constant).equals(name.toLowerCase(Locale.ROOT))) {
        return constant;
      }
    }
    throw new IllegalArgumentException(
        "%s \"%s\" is not built yet; use one of %s"
            .formatted(
                field,
                name,
                Arrays.stream(constants)
                    .map(NamedChoice::nameOf)
                    .collect(Collectors.joining(", "))));
  }
}
