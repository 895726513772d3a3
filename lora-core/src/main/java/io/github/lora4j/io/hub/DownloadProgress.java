package io.github.lora4j.io.hub;

/**
 * Is told how a download goes.
 *
 * <p>Files come one after the other; a file that is in the cache already doesn't come at all.
 */
@FunctionalInterface
public interface DownloadProgress extends AutoCloseable {

  /**
   * Some of a file has arrived; called when a file begins, at most every tenth of a second after
   * that, and when it is whole.
   *
   * @param file its name in the repository
   * @param done bytes on the disk, of which some may be from an earlier attempt; goes back where a
   *     server cannot resume
   * @param size bytes that the whole file has
   */
  void update(String file, long done, long size);

  /** The download is over, whether it came through or not. */
  @Override
  default void close() {}

  /** Says nothing. */
  static DownloadProgress none() {
    return (file, done, size) -> {};
  }
}
