package io.github.lora4j.io.hub;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;

/**
 * What nobody but a test or the environment changes.
 *
 * @param connect how long a connection may take
 * @param answer how long the first line of an answer may take
 * @param stall how long a connection may stay silent in the middle of a file
 * @param retry how often and when to try again
 * @param symlinks whether snapshots link to blobs, where the file system can
 * @param disk how much room there is
 */
record Tuning(
    Duration connect, Duration answer, Duration stall, Retry retry, boolean symlinks, Disk disk) {

  /** Asks for the free bytes of the file system that a folder is on. */
  @FunctionalInterface
  interface Disk {
    long usableBytes(Path folder) throws IOException;
  }

  /**
   * How to try again.
   *
   * @param attempts in a row without a byte of progress
   * @param first the first pause; each further one is twice as long
   * @param longest the longest pause, whatever a server asks for
   */
  record Retry(int attempts, Duration first, Duration longest, Sleep sleep) {}

  /** Waits. */
  @FunctionalInterface
  interface Sleep {
    void pause(Duration time) throws InterruptedException;
  }

  static Tuning standard(Duration answer, Duration stall, boolean symlinks) {
    Retry retry =
        new Retry(
            5, Duration.ofSeconds(1), Duration.ofMinutes(5), time -> Thread.sleep(time.toMillis()));
    return new Tuning(
        Duration.ofSeconds(10),
        answer,
        stall,
        retry,
        symlinks,
        folder -> Files.getFileStore(folder).getUsableSpace());
  }
}
