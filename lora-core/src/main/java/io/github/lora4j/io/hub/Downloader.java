package io.github.lora4j.io.hub;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Brings files of one commit into the cache. */
final class Downloader {

  private static final Logger LOG = LoggerFactory.getLogger(ModelHub.class);
  private static final int COPIES = 2;

  // Not "<etag>.incomplete": versions 0.x of huggingface_hub append to that, under a lock that we
  // do not see. The ending is theirs, so that their tools find and remove what nobody finishes.
  private static final String UNFINISHED = ".lora4j.incomplete";

  private final HubClient client;
  private final CachedRepo cache;
  private final RepoId repo;
  private final LocalSnapshot snapshot;
  private final DownloadProgress progress;
  private final Tuning tuning;

  Downloader(
      HubClient client,
      CachedRepo cache,
      RepoId repo,
      LocalSnapshot snapshot,
      DownloadProgress progress,
      Tuning tuning) {
    this.client = client;
    this.cache = cache;
    this.repo = repo;
    this.snapshot = snapshot;
    this.progress = progress;
    this.tuning = tuning;
  }

  /** Fetches those of the files that the snapshot doesn't have yet. */
  void fetch(Iterable<String> names) throws IOException, InterruptedException, HubFailure {
    List<RemoteFile> missing = new ArrayList<>();
    for (String name : names) {
      if (!snapshot.has(name)) {
        missing.add(client.describe(snapshot.commit(), name));
      }
    }
    if (missing.isEmpty()) {
      return;
    }
    cache.tag();
    checkRoom(missing);
    LOG.info(
        "{}: downloading {} ({}) into {}",
        repo,
        missing.size() == 1 ? missing.get(0).name() : missing.size() + " files",
        ByteCount.of(missing.stream().mapToLong(RemoteFile::size).sum()),
        snapshot.folder());
    for (RemoteFile file : missing) {
      try (BlobLock lock = BlobLock.acquire(cache.lock(file.etag()))) {
        Path blob = cache.blob(file.etag());
        boolean fresh = !Files.exists(blob);
        if (fresh) {
          download(file, blob);
        }
        link(blob, snapshot.path(file.name()), fresh);
      }
    }
  }

  /** Before the first byte: an hour later is a bad time to learn that the disk is too small. */
  private void checkRoom(List<RemoteFile> files) throws IOException, HubFailure {
    long needed = 0;
    for (RemoteFile file : files) {
      Path blob = cache.blob(file.etag());
      Path unfinished = unfinished(blob);
      if (!Files.exists(blob)) {
        needed += file.size() - (Files.exists(unfinished) ? Files.size(unfinished) : 0);
      }
    }
    Path folder = cache.blob(files.get(0).etag()).getParent();
    long free = tuning.disk().usableBytes(folder);
    if (needed > free) {
      throw HubFailure.definite(
          "%s: %s are still to be downloaded, and %s has %s free. Make room, or move the cache: set"
                  .formatted(repo, ByteCount.of(needed), folder, ByteCount.of(free))
              + " HF_HOME, or HubOptions' cacheDir");
    }
  }

  private static Path unfinished(Path blob) {
    return blob.resolveSibling(blob.getFileName() + UNFINISHED);
  }

  private void download(RemoteFile file, Path blob)
      throws IOException, InterruptedException, HubFailure {
    Path unfinished = unfinished(blob);
    String what = repo + "/" + file.name();
    Attempts attempts = new Attempts(what, tuning.retry());
    for (int copy = 1; ; copy++) {
      new Transfer(client, snapshot.commit(), file, unfinished, progress).run(attempts);
      Optional<String> found = file.etag().mismatch(unfinished);
      if (found.isEmpty()) {
        Files.move(unfinished, blob, StandardCopyOption.ATOMIC_MOVE);
        return;
      }
      Files.delete(unfinished);
      String problem =
          "%s: its content has the hash %s, expected %s".formatted(what, found.get(), file.etag());
      if (copy == COPIES) {
        throw HubFailure.definite(
            problem
                + ". It was downloaded %d times, and the last copy is deleted. ".formatted(COPIES)
                + "Something between the hub and this machine changes it: a proxy, a mirror in"
                + " HF_ENDPOINT, a failing disk");
      }
      LOG.warn("{}; downloading it again", problem);
    }
  }

  private void link(Path blob, Path pointer, boolean fresh) throws IOException {
    Files.createDirectories(pointer.getParent());
    if (Files.isRegularFile(pointer)) {
      return; // another process was faster
    }
    Files.deleteIfExists(pointer); // a link to a blob that is gone
    if (tuning.symlinks()) {
      try {
        Files.createSymbolicLink(pointer, pointer.getParent().relativize(blob));
        return;
      } catch (FileAlreadyExistsException e) {
        return;
      } catch (UnsupportedOperationException | FileSystemException e) {
        LOG.debug("no symbolic link at {}; the file itself goes there", pointer, e);
      }
    }
    // As huggingface_hub does: another snapshot may use an old blob, so that one is copied.
    Path ready = blob;
    if (!fresh) {
      ready = unfinished(blob);
      Files.copy(blob, ready, StandardCopyOption.REPLACE_EXISTING);
    }
    Files.move(ready, pointer, StandardCopyOption.ATOMIC_MOVE);
  }
}
