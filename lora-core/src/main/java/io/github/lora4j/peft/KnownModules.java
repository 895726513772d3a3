package io.github.lora4j.peft;

import io.github.lora4j.internal.text.Suggestions;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/** The modules of a model by name, containers included, in the model's order. */
final class KnownModules {

  private static final int MOST_SHOWN = 20;

  private final Map<String, ModuleEntry> modules = new LinkedHashMap<>();
  private final Set<String> ends = new HashSet<>();

  /** Takes the given modules; what contains them follows from their names. */
  KnownModules(List<ModuleEntry> entries) {
    for (ModuleEntry entry : entries) {
      String name = entry.name();
      for (int dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1)) {
        String container = name.substring(0, dot);
        modules.putIfAbsent(container, new ModuleEntry(container, ModuleEntry.Kind.OTHER));
      }
      modules.put(name, entry);
    }
    modules.keySet().forEach(name -> ends.addAll(MinimalSuffixes.suffixes(name)));
  }

  Collection<ModuleEntry> entries() {
    return modules.values();
  }

  Collection<String> names() {
    return modules.keySet();
  }

  /** What is inside of a module and contains nothing itself; the module itself if that is so. */
  List<ModuleEntry> leaves(ModuleEntry module) {
    List<ModuleEntry> inside =
        modules.values().stream()
            .filter(other -> other.name().startsWith(module.name() + "."))
            .toList();
    return inside.isEmpty()
        ? List.of(module)
        : inside.stream().filter(part -> leaves(part).equals(List.of(part))).toList();
  }

  /** Whether a module has one of these names, or a name that ends in one of them after a dot. */
  static boolean isNamed(String module, Set<String> names) {
    return MinimalSuffixes.suffixes(module).stream().anyMatch(names::contains);
  }

  boolean contains(String name) {
    return ends.contains(name);
  }

  /**
   * {@code " (did you mean q_proj?)"}: ends of these modules' names that have as many segments as
   * the given one.
   */
  static String didYouMean(String name, List<String> modules) {
    int segments = (int) name.chars().filter(c -> c == '.').count();
    List<String> candidates =
        modules.stream()
            .map(MinimalSuffixes::suffixes)
            .map(suffixes -> suffixes.get(Math.min(segments, suffixes.size() - 1)))
            .toList();
    return Suggestions.didYouMean(name, candidates);
  }

  /** The last segments of the linear layers' names, for messages: {@code down_proj, gate_proj}. */
  String linearSuffixes() {
    List<String> last =
        linearNames().stream()
            .map(name -> MinimalSuffixes.suffixes(name).get(0))
            .distinct()
            .sorted()
            .toList();
    return shown(last);
  }

  /** Joins names for a message, the first twenty of them. */
  static String shown(Collection<String> names) {
    String joined = names.stream().limit(MOST_SHOWN).collect(Collectors.joining(", "));
    return names.size() <= MOST_SHOWN
        ? joined
        : "%s and %d more".formatted(joined, names.size() - MOST_SHOWN);
  }

  List<String> linearNames() {
    return modules.values().stream().filter(ModuleEntry::isLinear).map(ModuleEntry::name).toList();
  }
}
