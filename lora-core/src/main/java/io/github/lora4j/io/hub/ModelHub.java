package io.github.lora4j.io.hub;

import io.github.lora4j.error.HubException;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Downloads what this library reads of a repository of the Hugging Face hub.
 *
 * <p>Files go into the cache that Python's huggingface_hub keeps, in its layout: what one side has
 * downloaded the other finds. Each is checked against the size and the hash that the hub gives;
 * what broke off is resumed. Pickles and code are never downloaded.
 *
 * <p>Each method may be called from several threads and processes at once.
 *
 * @see <a href="https://huggingface.co/docs/hub/local-cache">the layout of the cache</a>
 */
public final class ModelHub {

  private ModelHub() {}

  /**
   * Downloads a model: configuration, tokenizer, weights in SafeTensors.
   *
   * <p>Where the hub can't be reached, what was downloaded before is used, with a warning.
   *
   * @param name {@code org/name}
   * @return the folder that holds the files, for {@code AutoModelForCausalLM.fromPretrained}; not
   *     to be written to
   * @throws io.github.lora4j.error.HubException if the repository is missing, private, gated or
   *     holds no model, the hub can't be reached, or the files don't arrive unharmed
   * @throws java.io.UncheckedIOException if the cache cannot be written
   */
  public static Path download(String name, HubOptions options) {
    return download(name, Content.MODEL, options);
  }

  /** Downloads an adapter of PEFT's, and the tokenizer if one lies beside it. */
  public static Path downloadAdapter(String name, HubOptions options) {
    return download(name, Content.ADAPTER, options);
  }

  /** Downloads a tokenizer, without the model's weights. */
  public static Path downloadTokenizer(String name, HubOptions options) {
    return download(name, Content.TOKENIZER, options);
  }

  /**
   * Finds a model's folder by its path, or by its name on the hub.
   *
   * <p>A folder that exists counts first, and then nothing is contacted. Else a text that looks
   * like a path ({@code ./name}, {@code ~/name}, {@code /name}, {@code C:\name}, or with more than
   * one slash) is an error, and {@code name} or {@code org/name} is downloaded.
   *
   * @throws io.github.lora4j.error.HubException as {@link #download}, and if there is no such
   *     folder
   */
  public static Path resolve(String nameOrPath, HubOptions options) {
    return resolve(nameOrPath, Content.MODEL, options);
  }

  /** Finds an adapter's folder by its path, or by its name on the hub, as {@link #resolve} does. */
  public static Path resolveAdapter(String nameOrPath, HubOptions options) {
    return resolve(nameOrPath, Content.ADAPTER, options);
  }

  /**
   * Finds a tokenizer's folder by its path, or by its name on the hub, as {@link #resolve} does.
   */
  public static Path resolveTokenizer(String nameOrPath, HubOptions options) {
    return resolve(nameOrPath, Content.TOKENIZER, options);
  }

  /**
   * The name of the repository whose snapshot in a cache this folder is, empty for other folders.
   *
   * @param folder what {@link #download} or {@link #resolve} returned, or any other
   */
  public static Optional<String> nameOf(Path folder) {
    Path snapshots = folder.toAbsolutePath().normalize().getParent();
    Path repo = snapshots == null ? null : snapshots.getParent();
    return repo == null || repo.getFileName() == null || !snapshots.endsWith("snapshots")
        ? Optional.empty()
        : RepoId.ofFolder(repo.getFileName().toString()).map(RepoId::name);
  }

  private static Path resolve(String nameOrPath, Content content, HubOptions options) {
    Optional<Path> folder = NameOrPath.localFolder(nameOrPath, content);
    if (folder.isPresent()) {
      return folder.get();
    }
    try {
      return download(nameOrPath, content, options);
    } catch (HubException e) {
      // It may have been meant as a path.
      throw new HubException(
          "%s (Nor is there a folder %s.)"
              .formatted(e.getMessage(), Path.of(nameOrPath).toAbsolutePath()),
          e);
    }
  }

  private static Path download(String name, Content content, HubOptions options) {
    return new SnapshotDownload(new RepoId(name), content, options).run();
  }
}
