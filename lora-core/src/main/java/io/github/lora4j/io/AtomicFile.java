package io.github.lora4j.io;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.UUID;

/**
 * A file that appears under its name only once it is whole.
 *
 * <p>It is written under a temporary name in the same folder and then moved into place. A failure
 * removes the temporary file and leaves what stood under the name before.
 */
public final class AtomicFile implements AutoCloseable {

  private final Path target;
  private final Path temporary;
  private final FileChannel channel;
  private boolean moved;

  private AtomicFile(Path target, Path temporary, FileChannel channel) {
    this.target = target;
    this.temporary = temporary;
    this.channel = channel;
  }

  /**
   * Writes a text file in UTF-8, whole or not at all; makes its folder where that is missing.
   *
   * @throws UncheckedIOException if it cannot be written
   */
  public static void writeString(Path file, String text) {
    writeBytes(file, text.getBytes(StandardCharsets.UTF_8));
  }

  /**
   * Writes a small file, whole or not at all; makes its folder where that is missing.
   *
   * @throws UncheckedIOException if it cannot be written
   */
  public static void writeBytes(Path file, byte[] bytes) {
    try (AtomicFile pending = create(file)) {
      pending.write(ByteBuffer.wrap(bytes));
      pending.finish();
      pending.moveIntoPlace();
    } catch (IOException e) {
      throw failure(file, e);
    }
  }

  static UncheckedIOException failure(Path file, IOException cause) {
    return new UncheckedIOException("cannot write " + file + ": " + cause.getMessage(), cause);
  }

  static AtomicFile create(Path target) throws IOException {
    Path absolute = target.toAbsolutePath();
    Files.createDirectories(absolute.getParent());
    Path temporary = absolute.resolveSibling(hidden(absolute, "tmp"));
    // Not createTempFile: that one makes files that nobody but their owner may read.
    return new AtomicFile(
        absolute,
        temporary,
        FileChannel.open(temporary, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE));
  }

  /** A fresh hidden name beside a file. */
  static String hidden(Path file, String extension) {
    String unique = UUID.randomUUID().toString().substring(0, 8);
    return ".%s.%s.%s".formatted(file.getFileName(), unique, extension);
  }

  Path target() {
    return target;
  }

  void write(ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }

  /** Brings what was written to the disk; nothing can be written after it. */
  void finish() throws IOException {
    channel.force(true);
    channel.close();
  }

  /** Gives the finished file its name, in one step that replaces what has it now. */
  void moveIntoPlace() throws IOException {
    move(temporary, target);
    moved = true;
  }

  static void move(Path from, Path to) throws IOException {
    try {
      Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
    } catch (AtomicMoveNotSupportedException e) {
      Files.move(from, to, StandardCopyOption.REPLACE_EXISTING);
    }
  }

  /** Removes the temporary file unless it was moved into place. */
  @Override
  public void close() throws IOException {
    channel.close();
    if (!moved) {
      Files.deleteIfExists(temporary);
    }
  }
}
