package io.github.lora4j.io.hub;

import java.net.URI;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * What to download, from where and whereto.
 *
 * <p>What is not set comes from the environment variables of Python's huggingface_hub, and else
 * from its defaults.
 */
public final class HubOptions {

  private final Revision revision;
  private final Supplier<Optional<HubToken>> token;
  private final URI endpoint;
  private final Path cacheDir;
  private final boolean offline;
  private final Supplier<DownloadProgress> progress;
  private final Tuning tuning;

  private HubOptions(Builder builder) {
    HubEnvironment environment = builder.environment;
    this.revision = builder.revision;
    this.token = builder.token.orElse(environment::token);
    this.endpoint = builder.endpoint.orElseGet(environment::endpoint);
    this.cacheDir = builder.cacheDir.orElseGet(environment::cacheDir).toAbsolutePath().normalize();
    this.offline = builder.offline.orElseGet(environment::offline);
    this.progress =
        builder.progress.orElse(
            () -> environment.progressBars() ? StandardProgress.open() : DownloadProgress.none());
    this.tuning = builder.tuning.orElseGet(environment::tuning);
  }

  /** The branch {@code main}, and everything else from the environment. */
  public static HubOptions defaults() {
    return builder().build();
  }

  /** Starts from {@link #defaults()}. */
  public static Builder builder() {
    return new Builder(HubEnvironment.ofThisProcess());
  }

  static Builder builder(HubEnvironment environment) {
    return new Builder(environment);
  }

  /** A branch, a tag or a commit. */
  public String revision() {
    return revision.name();
  }

  /** The address of the hub, without a slash at its end. */
  public URI endpoint() {
    return endpoint;
  }

  /** The folder that holds the cache. */
  public Path cacheDir() {
    return cacheDir;
  }

  /** Whether the network is left alone. */
  public boolean offline() {
    return offline;
  }

  Revision checkedRevision() {
    return revision;
  }

  /** May read a file: to be called only where something is to be downloaded. */
  Optional<HubToken> token() {
    return token.get();
  }

  DownloadProgress openProgress() {
    return progress.get();
  }

  Tuning tuning() {
    return tuning;
  }

  /** All but the token. */
  @Override
  public String toString() {
    return "HubOptions[revision=%s, endpoint=%s, cacheDir=%s, offline=%s]"
        .formatted(revision, endpoint, cacheDir, offline);
  }

  /** Collects options. */
  public static final class Builder {
    private final HubEnvironment environment;
    private Revision revision = new Revision("main");
    private Optional<Supplier<Optional<HubToken>>> token = Optional.empty();
    private Optional<URI> endpoint = Optional.empty();
    private Optional<Path> cacheDir = Optional.empty();
    private Optional<Boolean> offline = Optional.empty();
    private Optional<Supplier<DownloadProgress>> progress = Optional.empty();
    private Optional<Tuning> tuning = Optional.empty();

    private Builder(HubEnvironment environment) {
      this.environment = environment;
    }

    /** A branch, a tag or a full commit hash, which pins the files. Default: {@code main}. */
    public Builder revision(String revision) {
      this.revision = new Revision(revision);
      return this;
    }

    /**
     * The access token for gated and private repositories. Default: {@code HF_TOKEN}, else {@code
     * HUGGING_FACE_HUB_TOKEN}, else the file that {@code hf auth login} writes ({@code
     * HF_TOKEN_PATH}, or {@code token} in {@code HF_HOME}); none of them under {@code
     * HF_HUB_DISABLE_IMPLICIT_TOKEN}.
     *
     * <p>It is sent to the hub's own address only, never to where the hub redirects.
     */
    public Builder token(String token) {
      HubToken given = new HubToken(token, "HubOptions");
      this.token = Optional.of(() -> Optional.of(given));
      return this;
    }

    /** Sends no token, whatever the environment has. */
    public Builder anonymous() {
      this.token = Optional.of(Optional::empty);
      return this;
    }

    /** The address of the hub or of a mirror. Default: {@code HF_ENDPOINT}, or the public hub. */
    public Builder endpoint(String endpoint) {
      this.endpoint = Optional.of(Endpoint.parse("endpoint", endpoint));
      return this;
    }

    /**
     * The folder of the cache. Default: {@code HF_HUB_CACHE}, else {@code hub} in {@code HF_HOME},
     * which is {@code ~/.cache/huggingface}.
     */
    public Builder cacheDir(Path cacheDir) {
      this.cacheDir = Optional.of(cacheDir);
      return this;
    }

    /** Whether to use what is cached only. Default: {@code HF_HUB_OFFLINE}. */
    public Builder offline(boolean offline) {
      this.offline = Optional.of(offline);
      return this;
    }

    /**
     * Who is told how downloads go. Default: a bar on a terminal, log lines elsewhere, nothing
     * under {@code HF_HUB_DISABLE_PROGRESS_BARS}.
     */
    public Builder progress(DownloadProgress progress) {
      this.progress = Optional.of(() -> progress);
      return this;
    }

    Builder tuning(Tuning tuning) {
      this.tuning = Optional.of(tuning);
      return this;
    }

    /** Builds the options. */
    public HubOptions build() {
      return new HubOptions(this);
    }
  }
}
