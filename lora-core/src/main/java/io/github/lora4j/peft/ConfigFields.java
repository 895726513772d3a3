package io.github.lora4j.peft;

import io.github.lora4j.error.CheckpointFormatException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The values of an adapter_config.json, each of the type that is asked for; null is absent. */
final class ConfigFields {

  private final Path file;
  private final Map<String, Object> unread = new LinkedHashMap<>();

  ConfigFields(Path file, Map<String, ? extends @Nullable Object> json) {
    this.file = file;
    json.forEach(
        (key, value) -> {
          if (value != null) {
            unread.put(key, value);
          }
        });
  }

  Path file() {
    return file;
  }

  OptionalInt wholeNumber(String key) {
    Object value = unread.remove(key);
    if (value == null) {
      return OptionalInt.empty();
    }
    return OptionalInt.of(
        value instanceof Integer number ? number : wrong(key, "a whole number", value));
  }

  boolean flag(String key, boolean absent) {
    Object value = unread.remove(key);
    if (value == null) {
      return absent;
    }
    return value instanceof Boolean flag ? flag : wrong(key, "true or false", value);
  }

  Optional<String> text(String key) {
    Object value = unread.remove(key);
    if (value == null) {
      return Optional.empty();
    }
    return Optional.of(value instanceof String text ? text : wrong(key, "a string", value));
  }

  <E extends Enum<E>> Optional<E> choice(String key, Class<E> type) {
    return text(key)
        .map(
            name ->
                Arrays.stream(type.getEnumConstants())
                    .filter(constant -> constant.name().equals(name))
                    .findFirst()
                    .orElseGet(
                        () ->
                            wrong(
                                key, "one of " + List.of(type.getEnumConstants()), (Object) name)));
  }

  String[] names(String key) {
    Object value = unread.remove(key);
    return value == null ? new String[0] : names(key, value);
  }

  private String[] names(String key, Object value) {
    if (!(value instanceof List<?> list) || !list.stream().allMatch(String.class::isInstance)) {
      return wrong(key, "a string or a list of strings", value);
    }
    return list.stream().map(String.class::cast).distinct().toArray(String[]::new);
  }

  Optional<TargetModules> modules(String key) {
    Object value = unread.remove(key);
    if (value == null) {
      return Optional.empty();
    }
    try {
      if (value instanceof String text) {
        return Optional.of(
            text.equalsIgnoreCase(TargetModules.ALL_LINEAR)
                ? TargetModules.allLinear()
                : TargetModules.regex(text));
      }
      return Optional.of(TargetModules.names(names(key, value)));
    } catch (IllegalArgumentException e) {
      throw new CheckpointFormatException(
          "%s: the key \"%s\": %s".formatted(file, key, e.getMessage()), e);
    }
  }

  Map<String, Object> object(String key) {
    Object value = unread.remove(key);
    if (value == null) {
      return Map.of();
    }
    if (!(value instanceof Map<?, ?> map)) {
      return wrong(key, "an object", value);
    }
    Map<String, Object> copy = new LinkedHashMap<>();
    map.forEach((name, inner) -> copy.put((String) name, inner));
    return copy;
  }

  /** The keys that nothing asked for. */
  Set<String> unread() {
    return unread.keySet();
  }

  void drop(String... keys) {
    unread.keySet().removeAll(List.of(keys));
  }

  <T> T wrong(String key, String expected, Object found) {
    throw new CheckpointFormatException(
        "%s: the key \"%s\" must be %s, found %s"
            .formatted(file, key, expected, Shortened.of(found)));
  }
}
