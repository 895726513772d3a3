package io.github.lora4j.io.hub;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Lets one thread of one JVM at a time download a file.
 *
 * <p>The lock file is huggingface_hub's. On Windows both sides see each other's lock. On Linux and
 * macOS Python locks with {@code flock}, Java with {@code fcntl}, and neither sees the other: then
 * both download, each to a file of its own, and move it into place in one step, so that the worst
 * is a file downloaded twice. The same holds on file systems that don't lock.
 */
final class BlobLock implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(ModelHub.class);
  private static final Duration POLL = Duration.ofMillis(50);
  private static final Duration SAY_EVERY = Duration.ofSeconds(10);

  // File locks belong to the whole process, and closing any channel of a file gives them all up,
  // so threads must queue before they open it: at one of these, chosen by the file's name.
  private static final ReentrantLock[] QUEUES =
      Stream.generate(ReentrantLock::new).limit(64).toArray(ReentrantLock[]::new);

  private final ReentrantLock queue;
  private final @Nullable FileChannel channel;

  private BlobLock(ReentrantLock queue, @Nullable FileChannel channel) {
    this.queue = queue;
    this.channel = channel;
  }

  /** Waits until the lock is ours. */
  static BlobLock acquire(Path file) throws IOException, InterruptedException {
    ReentrantLock queue = QUEUES[Math.floorMod(file.hashCode(), QUEUES.length)];
    queue.lockInterruptibly();
    try {
      return new BlobLock(queue, lock(file));
    } catch (IOException | InterruptedException | RuntimeException e) {
      queue.unlock();
      throw e;
    }
  }

  private static @Nullable FileChannel lock(Path file) throws IOException, InterruptedException {
    Files.createDirectories(file.getParent());
    FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    try {
      waitFor(channel, file);
      return channel;
    } catch (InterruptedException e) {
      channel.close();
      throw e;
    } catch (IOException e) {
      channel.close();
      LOG.debug("{} cannot be locked; going on without", file, e);
      return null;
    }
  }

  private static void waitFor(FileChannel channel, Path file)
      throws IOException, InterruptedException {
    long said = System.nanoTime();
    FileLock lock = channel.tryLock();
    while (lock == null) {
      if (System.nanoTime() - said > SAY_EVERY.toNanos()) {
        said = System.nanoTime();
        LOG.info("another process downloads this file; waiting for {}", file);
      }
      Thread.sleep(POLL.toMillis());
      lock = channel.tryLock();
    }
  }

  /** Lets the next one in. The file stays: removing it would let two in. */
  @Override
  public void close() throws IOException {
    try {
      if (channel != null) {
        channel.close();
      }
    } finally {
      queue.unlock();
    }
  }
}
