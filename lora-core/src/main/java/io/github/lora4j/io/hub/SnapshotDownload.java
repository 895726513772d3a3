package io.github.lora4j.io.hub;

import io.github.lora4j.error.HubException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Makes sure that the cache holds what is wanted of a revision, and says where. */
final class SnapshotDownload {

  private static final Logger LOG = LoggerFactory.getLogger(ModelHub.class);

  private final RepoId repo;
  private final Content content;
  private final HubOptions options;
  private final Revision revision;
  private final CachedRepo cache;

  SnapshotDownload(RepoId repo, Content content, HubOptions options) {
    this.repo = repo;
    this.content = content;
    this.options = options;
    this.revision = options.checkedRevision();
    this.cache = new CachedRepo(options.cacheDir(), repo);
  }

  Path run() {
    Optional<LocalSnapshot> cached =
        cache
            .commitOf(revision)
            .map(commit -> new LocalSnapshot(cache, commit))
            .filter(snapshot -> snapshot.isUsable(content));
    if (revision.isCommit() && cached.filter(s -> s.isComplete(content)).isPresent()) {
      return cached.get().folder(); // a commit never changes, so there is nothing to ask
    }
    if (options.offline()) {
      return cached.orElseThrow(this::notCached).folder();
    }
    try {
      return download(cached);
    } catch (HubFailure e) {
      throw new HubException(String.valueOf(e.getMessage()), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new HubException(
          "the download of %s was interrupted; what has arrived is kept".formatted(repo), e);
    } catch (IOException e) {
      throw new UncheckedIOException(
          "the cache in %s cannot be written: %s. HF_HOME, or HubOptions' cacheDir, moves it"
              .formatted(options.cacheDir(), e.getMessage()),
          e);
    }
  }

  private Path download(Optional<LocalSnapshot> cached)
      throws IOException, InterruptedException, HubFailure {
    HubHttp http = new HubHttp(options.endpoint(), options.token(), options.tuning());
    HubClient client = new HubClient(http, repo, revision, options.tuning().retry());
    Listing listing;
    try {
      listing = list(client, cached.isEmpty());
    } catch (HubFailure e) {
      return insteadOf(e, cached).folder();
    }
    LocalSnapshot snapshot = new LocalSnapshot(cache, listing.commit());
    try {
      fetch(client, listing.files(), snapshot);
    } catch (HubFailure e) {
      return insteadOf(e, cached.filter(c -> c.commit().equals(listing.commit()))).folder();
    }
    cache.remember(revision, listing.commit(), absent(listing.files()));
    return snapshot.folder();
  }

  private Listing list(HubClient client, boolean patient) throws InterruptedException, HubFailure {
    Optional<Set<String>> known =
        revision.isCommit() ? cache.tree(revision.name()) : Optional.empty();
    return known.isPresent() ? new Listing(revision.name(), known.get()) : client.list(patient);
  }

  private void fetch(HubClient client, Set<String> files, LocalSnapshot snapshot)
      throws IOException, InterruptedException, HubFailure {
    if (!content.isUsable(files::contains)) {
      throw Unsuitable.of(repo, revision, content, files);
    }
    try (DownloadProgress progress = options.openProgress()) {
      Downloader downloader =
          new Downloader(client, cache, repo, snapshot, progress, options.tuning());
      Stream<String> templates = files.stream().filter(Content::isFurtherTemplate).sorted();
      downloader.fetch(
          Stream.concat(
                  content.smallFiles(files::contains).stream().filter(files::contains), templates)
              .toList());
      // Weights last: what is wrong with a repository shows before hours of downloading.
      List<String> weights =
          content.weightFiles(files::contains).stream().filter(files::contains).toList();
      downloader.fetch(weights);
      if (weights.contains(Content.INDEX)) {
        downloader.fetch(shards(files, snapshot));
      }
    }
  }

  private Iterable<String> shards(Set<String> files, LocalSnapshot snapshot) throws HubFailure {
    Set<String> shards =
        snapshot
            .shards()
            .orElseThrow(
                () ->
                    HubFailure.definite(
                        "%s: expected %s to name plain .safetensors files of the repository, found"
                                .formatted(repo, Content.INDEX)
                            + " something else in "
                            + snapshot.path(Content.INDEX)));
    List<String> lacking = shards.stream().filter(name -> !files.contains(name)).toList();
    if (!lacking.isEmpty()) {
      throw HubFailure.definite(
          "%s at revision %s: %s names %s, which the repository does not hold"
              .formatted(repo, revision, Content.INDEX, ServerText.quoted(lacking.get(0))));
    }
    return shards;
  }

  private List<String> absent(Set<String> files) {
    List<String> asked = new ArrayList<>(content.smallFiles(files::contains));
    asked.addAll(content.weightFiles(files::contains));
    asked.removeIf(files::contains);
    return asked;
  }

  private LocalSnapshot insteadOf(HubFailure failure, Optional<LocalSnapshot> cached)
      throws HubFailure {
    if (!failure.cacheMayAnswer() || cached.isEmpty()) {
      throw failure;
    }
    LOG.warn(
        "{}; using what was downloaded before: {}", failure.getMessage(), cached.get().folder());
    return cached.get();
  }

  private HubException notCached() {
    return new HubException(
        "%s at revision %s is not, or not completely, in the cache %s, and HF_HUB_OFFLINE or"
                .formatted(repo, revision, options.cacheDir())
            + " HubOptions' offline switches the network off. Allow the network once, or set"
            + " HF_HOME"
            + " to where the %s was downloaded".formatted(content.what()));
  }
}
