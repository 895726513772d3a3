package io.github.lora4j.peft;

import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A rank or alpha pattern: for each module, the value of the first key that matches its name. */
final class KeyPatterns<V> {

  private final Map<PythonRegex, V> patterns = new LinkedHashMap<>();

  KeyPatterns(String field, Map<String, V> values) {
    values.forEach((key, value) -> patterns.put(PythonRegex.ofPatternKey(field, key), value));
  }

  V valueFor(String module, V otherwise) {
    for (Map.Entry<PythonRegex, V> pattern : patterns.entrySet()) {
      if (pattern.getKey().matchesStart(module)) {
        return pattern.getValue();
      }
    }
    return otherwise;
  }

  /** The keys that match none of these modules. */
  List<String> keysOutside(Collection<String> modules) {
    return patterns.keySet().stream()
        .filter(pattern -> modules.stream().noneMatch(pattern::matchesStart))
        .map(PythonRegex::source)
        .toList();
  }
}
