package io.github.lora4j.io.hub;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Stream;

/** What the tests of this package share: options without a trace of this machine's environment. */
final class HubTests {

  private HubTests() {}

  /** An environment with these variables only. */
  static HubEnvironment environment(Map<String, String> variables) {
    return new HubEnvironment(variables, Path.of("/home/user").toAbsolutePath());
  }

  /** Options for a fake hub, with pauses and patience that a test can wait for. */
  static HubOptions.Builder options(FakeHub hub, Path cacheDir) {
    return options(hub.endpoint().toString(), cacheDir);
  }

  static HubOptions.Builder options(String endpoint, Path cacheDir) {
    return HubOptions.builder(environment(Map.of()))
        .endpoint(endpoint)
        .cacheDir(cacheDir)
        .anonymous()
        .progress(DownloadProgress.none())
        .tuning(tuning(new CopyOnWriteArrayList<>(), Long.MAX_VALUE));
  }

  /** Waits for nothing, but writes down how long it would have. */
  static Tuning tuning(List<Duration> pauses, long freeBytes) {
    return new Tuning(
        Duration.ofSeconds(5),
        Duration.ofSeconds(5),
        Duration.ofMillis(300),
        new Tuning.Retry(3, Duration.ofSeconds(1), Duration.ofMinutes(5), pauses::add),
        true,
        folder -> freeBytes);
  }

  /** The folder of the fake hub's repository. */
  static Path repo(Path cacheDir) {
    return cacheDir.resolve("models--org--name");
  }

  /** All files and links below a folder, sorted, with slashes. */
  static List<String> tree(Path folder) {
    try (Stream<Path> files = Files.walk(folder)) {
      return files
          .filter(file -> !Files.isDirectory(file, LinkOption.NOFOLLOW_LINKS))
          .map(file -> folder.relativize(file).toString().replace('\\', '/'))
          .sorted()
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
