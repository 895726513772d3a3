package io.github.lora4j.peft;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** Values as adapter_config.json has them. */
final class ConfigValues {

  private ConfigValues() {}

  /** Names, a pattern, or a word; no modules are an empty list. */
  static @Nullable Object modules(TargetModules modules) {
    if (modules instanceof TargetModules.Names given) {
      return given.names();
    }
    if (modules instanceof TargetModules.Regex regex) {
      return regex.pattern();
    }
    return modules instanceof TargetModules.AllLinear ? TargetModules.ALL_LINEAR : null;
  }

  /** The same, where no modules are null. */
  static @Nullable Object modulesOrNull(TargetModules modules) {
    return modules instanceof TargetModules.Names given
        ? nullIfEmpty(given.names())
        : modules(modules);
  }

  static @Nullable Object nullIfEmpty(List<?> list) {
    return list.isEmpty() ? null : list;
  }
}
