package io.github.lora4j.io.hub;

/** File names that come from a server, and go into paths and addresses. */
final class FileNames {

  private static final int LONGEST_PART = 200;
  private static final String FORBIDDEN = "\\:*?\"<>|";

  private FileNames() {}

  /**
   * Whether a name stays below the folder it is put in, on every system: relative, no "..", no
   * backslash, no drive or stream, nothing that Windows strips or a terminal obeys.
   */
  static boolean safe(String name) {
    for (String part : name.split("/", -1)) {
      if (part.isEmpty()
          || part.length() > LONGEST_PART
          || part.equals(".")
          || part.equals("..")
          || part.endsWith(".")
          || part.endsWith(" ")
          || part.codePoints()
              .anyMatch(c -> Character.isISOControl(c) || FORBIDDEN.indexOf(c) >= 0)) {
        return false;
      }
    }
    return true;
  }
}
