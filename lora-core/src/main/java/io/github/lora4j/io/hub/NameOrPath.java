package io.github.lora4j.io.hub;

import io.github.lora4j.error.HubException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.regex.Pattern;

/** Tells folders from names on the hub. */
final class NameOrPath {

  private static final Pattern PATH =
      Pattern.compile("[./~].*|[A-Za-z]:.*|.*\\\\.*|.*/.*/.*|.*/", Pattern.DOTALL);

  private NameOrPath() {}

  /**
   * The folder that a text names; empty if it is a name on the hub.
   *
   * @throws HubException if it is neither
   */
  static Optional<Path> localFolder(String text, Content content) {
    Path path;
    try {
      path = path(text);
    } catch (InvalidPathException e) {
      throw neither(text, content, e.getMessage());
    }
    if (!text.isBlank() && Files.isDirectory(path)) {
      return Optional.of(path);
    }
    if (Files.exists(path) && !text.isBlank()) {
      throw new HubException(
          "expected the folder of a %s, found a file: %s".formatted(content.what(), path));
    }
    if (PATH.matcher(text).matches()) {
      throw new HubException(
          "there is no folder %s (for a %s on the hub, give its name as org/name)"
              .formatted(path, content.what()));
    }
    String problem = RepoId.problem(text);
    if (!problem.isEmpty()) {
      throw neither(text, content, problem);
    }
    return Optional.empty();
  }

  private static Path path(String text) {
    return text.startsWith("~/") || text.startsWith("~\\")
        ? Path.of(System.getProperty("user.home"), text.substring(2))
        : Path.of(text);
  }

  private static HubException neither(String text, Content content, String problem) {
    return new HubException(
        "%s is neither a folder of a %s nor its name on the hub, which has the form org/name: %s"
            .formatted(ServerText.quoted(text), content.what(), problem));
  }
}
