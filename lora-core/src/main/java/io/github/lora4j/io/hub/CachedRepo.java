package io.github.lora4j.io.hub;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.lora4j.io.AtomicFile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Iterator;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A repository in the cache, laid out as huggingface_hub does: {@code refs/<revision>} holds a
 * commit, {@code snapshots/<commit>} links to {@code blobs/<etag>}, {@code .no_exist/<commit>}
 * remembers names that the commit doesn't have.
 */
final class CachedRepo {

  private static final Logger LOG = LoggerFactory.getLogger(ModelHub.class);
  private static final JsonMapper JSON = JsonMapper.builder().build();

  private static final String TAG =
      """
      Signature: 8a477f597d28d172789f06886806bc55
      # This file is a cache directory tag created by huggingface_hub.
      # For information about cache directory tags, see:
      #\thttps://bford.info/cachedir/
      """;

  private final Path cacheDir;
  private final Path folder;
  private final Path locks;

  CachedRepo(Path cacheDir, RepoId repo) {
    this.cacheDir = cacheDir;
    this.folder = cacheDir.resolve(repo.folderName());
    this.locks = cacheDir.resolve(".locks").resolve(repo.folderName());
  }

  /** The commit that a revision stood for when it was downloaded last. */
  Optional<String> commitOf(Revision revision) {
    if (revision.isCommit()) {
      return Optional.of(revision.name());
    }
    Path ref = ref(revision);
    try {
      return Files.isRegularFile(ref)
          ? Optional.of(Files.readString(ref).strip()).filter(Revision::isCommit)
          : Optional.empty();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read %s: %s".formatted(ref, e.getMessage()), e);
    }
  }

  private Path ref(Revision revision) {
    return folder.resolve("refs").resolve(revision.name());
  }

  Path snapshot(String commit) {
    return folder.resolve("snapshots").resolve(commit);
  }

  Path blob(Etag etag) {
    return folder.resolve("blobs").resolve(etag.value());
  }

  Path lock(Etag etag) {
    return locks.resolve(etag.value() + ".lock");
  }

  /** Whether the cache remembers that a commit doesn't have a file. */
  boolean isKnownAbsent(String commit, String name) {
    return Files.isRegularFile(absent(commit, name));
  }

  private Path absent(String commit, String name) {
    return folder.resolve(".no_exist").resolve(commit).resolve(name);
  }

  /** The files of a commit, if a Python that downloaded the whole of it left its list. */
  Optional<Set<String>> tree(String commit) {
    Path file = folder.resolve("trees").resolve(commit + ".json");
    if (!Files.isRegularFile(file)) {
      return Optional.empty();
    }
    try {
      JsonNode json = JSON.readTree(Files.readAllBytes(file));
      Set<String> names = new HashSet<>();
      for (Iterator<String> all = json.path("files").fieldNames(); all.hasNext(); ) {
        String name = all.next();
        if (FileNames.safe(name)) {
          names.add(name);
        }
      }
      return json.path("format_version").asInt() == 1 ? Optional.of(names) : Optional.empty();
    } catch (IOException e) {
      LOG.debug("{} cannot be read, and is not needed", file, e);
      return Optional.empty();
    }
  }

  /**
   * Remembers which commit a revision stands for and which names it doesn't have.
   *
   * <p>A cache that only others may write to is no reason to fail: the files are there.
   */
  void remember(Revision revision, String commit, Iterable<String> absentNames) {
    try {
      for (String name : absentNames) {
        Path marker = absent(commit, name);
        if (!Files.exists(marker)) {
          Files.createDirectories(marker.getParent());
          Files.write(marker, new byte[0]);
        }
      }
      if (!revision.isCommit() && !commitOf(revision).equals(Optional.of(commit))) {
        AtomicFile.writeString(ref(revision), commit);
      }
    } catch (IOException | UncheckedIOException e) {
      LOG.warn(
          "{} cannot be written ({}), so {} will not be found there without the network",
          folder,
          e.getMessage(),
          revision);
    }
  }

  /** Marks the cache as one, for programs that make backups. */
  void tag() throws IOException {
    Files.createDirectories(folder.resolve("blobs"));
    Path tag = cacheDir.resolve("CACHEDIR.TAG");
    if (!Files.exists(tag)) {
      Files.writeString(tag, TAG);
    }
  }
}
