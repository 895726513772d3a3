package io.github.lora4j.io.hub;

import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A line when a large file begins and ends, and one now and then between. */
final class ProgressInLog implements DownloadProgress {

  private static final Logger LOG = LoggerFactory.getLogger(ModelHub.class);
  private static final long INTERVAL = Duration.ofSeconds(15).toNanos();
  private static final long SMALL = 1_000_000;

  private String current = "";
  private long lastLine;

  @Override
  public synchronized void update(String file, long done, long size) {
    if (size < SMALL) {
      return;
    }
    long now = System.nanoTime();
    boolean begins = !file.equals(current);
    if (begins || done == size || now - lastLine >= INTERVAL) {
      LOG.info("{}: {} of {}", file, ByteCount.of(done), ByteCount.of(size));
      current = file;
      lastLine = now;
    }
  }
}
