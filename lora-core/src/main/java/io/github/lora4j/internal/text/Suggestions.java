package io.github.lora4j.internal.text;

import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** Finds the real names that a misspelt one probably meant. */
public final class Suggestions {

  /** Longer names come out of hostile files; the distance takes quadratic time. */
  private static final int LONGEST = 200;

  private static final int MOST = 3;

  private Suggestions() {}

  /**
   * Returns at most {@code limit} candidates that look like the name, nearest first; none if
   * nothing is near.
   *
   * <p>Case and the separators {@code _} and {@code -} don't count; a candidate is near when few
   * edits (a character added, dropped, replaced, or two neighbours swapped) lead to it, or when one
   * of the two begins with the other.
   */
  public static List<String> nearest(String name, Collection<String> candidates, int limit) {
    if (name.length() > LONGEST) {
      return List.of();
    }
    String wanted = plain(name);
    record Scored(String candidate, int score) {}
    return candidates.stream()
        .distinct()
        .filter(candidate -> candidate.length() <= LONGEST)
        .map(candidate -> new Scored(candidate, score(wanted, plain(candidate))))
        .filter(scored -> scored.score >= 0)
        .sorted(Comparator.comparingInt(Scored::score).thenComparing(Scored::candidate))
        .limit(limit)
        .map(Scored::candidate)
        .toList();
  }

  /** Returns {@code " (did you mean a or b?)"}, or nothing where no candidate is near. */
  public static String didYouMean(String name, Collection<String> candidates) {
    List<String> near = nearest(name, candidates, MOST);
    String wanted = plain(name);
    if (!near.isEmpty() && plain(near.get(0)).equals(wanted)) {
      near = near.stream().filter(candidate -> plain(candidate).equals(wanted)).toList();
    }
    return near.isEmpty()
        ? ""
        : near.stream().collect(Collectors.joining(" or ", " (did you mean ", "?)"));
  }

  private static String plain(String name) {
    return name.toLowerCase(Locale.ROOT).replace("_", "").replace("-", "");
  }

  /** How far a candidate is from what is wanted; -1 for one that is not near. */
  private static int score(String wanted, String candidate) {
    if (wanted.isEmpty() || candidate.isEmpty()) {
      return -1;
    }
    int distance = distance(wanted, candidate);
    if (candidate.startsWith(wanted) || wanted.startsWith(candidate)) {
      return Math.min(distance, 1);
    }
    return distance <= wanted.length() / 3 ? distance : -1;
  }

  /** The optimal string alignment distance. */
  private static int distance(String a, String b) {
    int[] beforeLast = new int[b.length() + 1];
    int[] last = new int[b.length() + 1];
    for (int j = 0; j <= b.length(); j++) {
      last[j] = j;
    }
    for (int i = 1; i <= a.length(); i++) {
      int[] row = new int[b.length() + 1];
      row[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int replaced = last[j - 1] + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        row[j] = Math.min(replaced, Math.min(last[j], row[j - 1]) + 1);
        if (i > 1
            && j > 1
            && a.charAt(i - 1) == b.charAt(j - 2)
            && a.charAt(i - 2) == b.charAt(j - 1)) {
          row[j] = Math.min(row[j], beforeLast[j - 2] + 1);
        }
      }
      beforeLast = last;
      last = row;
    }
    return last[b.length()];
  }
}
