package io.github.lora4j.dataset;

import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/** The column names of a file, shared by its rows. */
final class Columns {

  private final List<String> names;
  private final Map<String, Integer> indices = new HashMap<>();

  /** Expects distinct names. */
  Columns(List<String> names) {
    this.names = List.copyOf(names);
    for (int i = 0; i < names.size(); i++) {
      indices.put(names.get(i), i);
    }
  }

  List<String> names() {
    return names;
  }

  /** Returns the position of a column, or -1. */
  int index(String name) {
    return indices.getOrDefault(name, -1);
  }

  /** Says which columns there are, those with the most similar names first. */
  String nearest(String name) {
    return names.stream()
            .sorted(Comparator.comparingInt(known -> distance(name, known)))
            .limit(8)
            .map(known -> '"' + known + '"')
            .collect(Collectors.joining(", "))
        + (names.size() > 8 ? ", and " + (names.size() - 8) + " more" : "");
  }

  /** Levenshtein's distance, blind to case and to spaces around a name. */
  private static int distance(String left, String right) {
    String a = left.strip().toLowerCase(Locale.ROOT);
    String b = right.strip().toLowerCase(Locale.ROOT);
    int[] previous = new int[b.length() + 1];
    int[] current = new int[b.length() + 1];
    for (int j = 0; j <= b.length(); j++) {
      previous[j] = j;
    }
    for (int i = 1; i <= a.length(); i++) {
      current[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int substitution = previous[j - 1] + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        current[j] = Math.min(substitution, 1 + Math.min(previous[j], current[j - 1]));
      }
      int[] swapped = previous;
      previous = current;
      current = swapped;
    }
    return previous[b.length()];
  }
}
