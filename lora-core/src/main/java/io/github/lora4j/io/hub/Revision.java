package io.github.lora4j.io.hub;

import java.util.regex.Pattern;

/** A branch, a tag or a commit; it also names a file below the cache's {@code refs}. */
record Revision(String name) {

  private static final int LONGEST = 200;
  private static final Pattern COMMIT = Pattern.compile("[0-9a-f]{40}");

  // What git allows, less what some file system does not.
  private static final Pattern PART =
      Pattern.compile("[\\p{L}\\p{N}_+@=,#][\\p{L}\\p{N}_+@=,#.-]*");

  Revision {
    boolean fits = !name.isEmpty() && name.length() <= LONGEST && !name.contains("..");
    for (String part : name.split("/", -1)) {
      fits &= PART.matcher(part).matches() && !part.endsWith(".");
    }
    if (!fits) {
      throw new IllegalArgumentException(
          "revision: expected a branch, a tag or a commit such as main, v1.0 or refs/pr/3, found "
              + ServerText.quoted(name));
    }
  }

  /** Whether this is a full commit hash, which never changes its meaning. */
  boolean isCommit() {
    return isCommit(name);
  }

  static boolean isCommit(String text) {
    return COMMIT.matcher(text).matches();
  }

  @Override
  public String toString() {
    return name;
  }
}
