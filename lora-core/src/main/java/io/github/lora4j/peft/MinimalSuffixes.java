package io.github.lora4j.peft;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/** Shortens a long list of module names to ends of names that tell them from all other modules. */
final class MinimalSuffixes {

  /** From this many names on, PEFT saves the short list where it is shorter. */
  static final int FEWEST_NAMES = 20;

  private MinimalSuffixes() {}

  /**
   * Returns the same ends of names as PEFT 0.21.
   *
   * <p>Each name takes its shortest end that no other module has, unless an end already taken
   * covers it.
   *
   * @param targets names or ends of names, none empty
   * @param others the modules that are not meant
   */
  static Set<String> of(Collection<String> targets, Collection<String> others) {
    Set<String> taken = new HashSet<>();
    others.forEach(other -> taken.addAll(suffixes(other)));
    List<List<String>> all = new ArrayList<>();
    new HashSet<>(targets).forEach(target -> all.add(suffixes(target)));
    all.sort(MinimalSuffixes::compare);
    Set<String> required = new TreeSet<>();
    for (List<String> suffixes : all) {
      List<String> proper = suffixes.subList(0, suffixes.size() - 1);
      suffixes.stream()
          .filter(suffix -> !required.contains(suffix) && !taken.contains(suffix))
          .findFirst()
          .filter(suffix -> proper.stream().noneMatch(required::contains))
          .ifPresent(required::add);
    }
    return required.isEmpty() ? new TreeSet<>(targets) : required;
  }

  /** The ends of a name that begin at a segment, shortest first; the name itself comes last. */
  static List<String> suffixes(String name) {
    List<String> suffixes = new ArrayList<>();
    for (int dot = name.lastIndexOf('.'); dot >= 0; dot = name.lastIndexOf('.', dot - 1)) {
      suffixes.add(name.substring(dot + 1));
    }
    suffixes.add(name);
    return suffixes;
  }

  private static int compare(List<String> a, List<String> b) {
    for (int i = 0; i < Math.min(a.size(), b.size()); i++) {
      int order = a.get(i).compareTo(b.get(i));
      if (order != 0) {
        return order;
      }
    }
    return Comparator.<Integer>naturalOrder().compare(a.size(), b.size());
  }
}
