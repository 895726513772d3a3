package io.github.lora4j.io.hub;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;
import java.util.SortedSet;
import java.util.stream.Stream;

/** What the cache holds of one commit, whoever downloaded it. */
final class LocalSnapshot {

  private final CachedRepo cache;
  private final String commit;
  private final Path folder;

  LocalSnapshot(CachedRepo cache, String commit) {
    this.cache = cache;
    this.commit = commit;
    this.folder = cache.snapshot(commit);
  }

  String commit() {
    return commit;
  }

  Path folder() {
    return folder;
  }

  Path path(String name) {
    return folder.resolve(name);
  }

  /** Whether a file is there; a link whose blob is gone is not. */
  boolean has(String name) {
    return Files.isRegularFile(path(name));
  }

  /** Whether what is there can be used; small files that only some repositories have may lack. */
  boolean isUsable(Content content) {
    return content.isUsable(this::has) && hasShards(content);
  }

  /** Whether it is known that nothing lacks. */
  boolean isComplete(Content content) {
    Optional<Set<String>> tree = cache.tree(commit);
    return isUsable(content)
        && Stream.concat(
                content.smallFiles(this::has).stream(), content.weightFiles(this::has).stream())
            .allMatch(name -> has(name) || isAbsent(name, tree))
        && tree.stream()
            .flatMap(Set::stream)
            .filter(Content::isFurtherTemplate)
            .allMatch(this::has);
  }

  private boolean isAbsent(String name, Optional<Set<String>> tree) {
    return cache.isKnownAbsent(commit, name) || tree.filter(t -> !t.contains(name)).isPresent();
  }

  private boolean hasShards(Content content) {
    if (content != Content.MODEL || has(Content.WEIGHTS)) {
      return true;
    }
    return shards().filter(names -> names.stream().allMatch(this::has)).isPresent();
  }

  /** The shards that the index names, if it is a sound one. */
  Optional<SortedSet<String>> shards() {
    Path index = path(Content.INDEX);
    try {
      return Shards.of(index);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read %s: %s".formatted(index, e.getMessage()), e);
    }
  }
}
