package io.github.lora4j.io.hub;

import java.util.Optional;
import java.util.regex.Pattern;

/** A repository's name on the hub, under the rules of huggingface_hub. */
record RepoId(String name) {

  private static final String PREFIX = "models--";
  private static final int LONGEST_PART = 96;
  private static final Pattern PART = Pattern.compile("\\w(?:[\\w.-]*\\w)?");

  RepoId {
    String problem = problem(name);
    if (!problem.isEmpty()) {
      throw new IllegalArgumentException(
          "repository: expected a name on the hub such as org/name, found %s: %s"
              .formatted(ServerText.quoted(name), problem));
    }
  }

  /** Why this is no name of a repository; empty if it is one. */
  static String problem(String name) {
    String[] parts = name.split("/", -1);
    if (parts.length > 2) {
      return "a name has at most one slash";
    }
    for (String part : parts) {
      if (part.length() > LONGEST_PART) {
        return "a name has at most %d characters".formatted(LONGEST_PART);
      }
      if (!PART.matcher(part).matches()) {
        return "letters, digits, '-', '_' and '.' are allowed, and neither '-' nor '.' stands first"
            + " or last";
      }
    }
    if (name.contains("--") || name.contains("..")) {
      return "'--' and '..' are not allowed";
    }
    return name.endsWith(".git") ? "it must not end with '.git'" : "";
  }

  /** The folder that the cache keeps this repository in. */
  String folderName() {
    return PREFIX + name.replace("/", "--");
  }

  /** The repository that the cache keeps in such a folder; empty for other folders. */
  static Optional<RepoId> ofFolder(String folderName) {
    String name =
        folderName.startsWith(PREFIX)
            ? folderName.substring(PREFIX.length()).replaceFirst("--", "/")
            : "";
    return problem(name).isEmpty() ? Optional.of(new RepoId(name)) : Optional.empty();
  }

  @Override
  public String toString() {
    return name;
  }
}
