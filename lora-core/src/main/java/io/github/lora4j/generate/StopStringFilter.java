package io.github.lora4j.generate;

import java.util.List;

/**
 * Lets text through up to the first stop string, and holds back what may be the beginning of one.
 *
 * <p>Of several stop strings the one that is complete first counts, and of those the longest; so
 * the outcome is the same in whatever pieces the text comes.
 */
final class StopStringFilter {

  private final List<String> stopStrings;
  private final StringBuilder held = new StringBuilder();
  private boolean found;

  StopStringFilter(List<String> stopStrings) {
    this.stopStrings = stopStrings;
  }

  /** Takes the next piece of text and returns what can't be part of a stop string any more. */
  String push(String piece) {
    if (found) {
      return "";
    }
    held.append(piece);
    int cut = stopStart();
    if (cut >= 0) {
      found = true;
    } else {
      cut = held.length() - possibleBeginning();
    }
    String out = held.substring(0, cut);
    held.delete(0, cut);
    return out;
  }

  /** Returns what was held back, now that no more text comes. */
  String finish() {
    String out = found ? "" : held.toString();
    held.setLength(0);
    return out;
  }

  /** Whether a stop string came by. */
  boolean found() {
    return found;
  }

  private int stopStart() {
    int start = -1;
    int end = Integer.MAX_VALUE;
    for (String stop : stopStrings) {
      int at = held.indexOf(stop);
      int stopEnd = at + stop.length();
      if (at >= 0 && (stopEnd < end || (stopEnd == end && at < start))) {
        start = at;
        end = stopEnd;
      }
    }
    return start;
  }

  /** The length of the longest end of the held text that a stop string begins with. */
  private int possibleBeginning() {
    int longest = 0;
    for (String stop : stopStrings) {
      int most = Math.min(stop.length() - 1, held.length());
      for (int n = most; n > longest; n--) {
        if (stop.startsWith(held.substring(held.length() - n))) {
          longest = n;
        }
      }
    }
    return longest;
  }
}
