package io.github.lora4j.io.hub;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * What the hub calls the content of a file, and the name of its blob in the cache: the SHA-256 of a
 * large file, git's hash of a small one.
 */
record Etag(String value) {

  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}");
  private static final Pattern SHA256 = Pattern.compile("[0-9a-f]{64}");
  private static final Pattern GIT_SHA1 = Pattern.compile("[0-9a-f]{40}");
  private static final int BUFFER = 1 << 20;

  /** Takes the quotes, and the mark of a weak one, off a header; empty if the rest is no name. */
  static Optional<Etag> parse(String header) {
    String value = header.strip();
    value = value.startsWith("W/") ? value.substring(2) : value;
    if (value.length() >= 2 && value.startsWith("\"") && value.endsWith("\"")) {
      value = value.substring(1, value.length() - 1);
    }
    boolean fits = NAME.matcher(value).matches() && !value.endsWith(".") && !value.contains("..");
    return fits ? Optional.of(new Etag(value)) : Optional.empty();
  }

  /**
   * The hash that a file's content has instead of this one; empty if it has this one or it is none.
   */
  Optional<String> mismatch(Path file) throws IOException {
    Optional<String> found =
        SHA256.matcher(value).matches()
            ? Optional.of(hash("SHA-256", "", file))
            : GIT_SHA1.matcher(value).matches() ? Optional.of(gitHash(file)) : Optional.empty();
    return found.filter(hash -> !hash.equals(value));
  }

  private static String gitHash(Path file) throws IOException {
    try (FileChannel channel = FileChannel.open(file)) {
      return hash("SHA-1", "blob " + channel.size() + "\0", file);
    }
  }

  private static String hash(String algorithm, String header, Path file) throws IOException {
    MessageDigest digest = digest(algorithm);
    digest.update(header.getBytes(StandardCharsets.US_ASCII));
    ByteBuffer buffer = ByteBuffer.allocate(BUFFER);
    try (FileChannel channel = FileChannel.open(file)) {
      while (channel.read(buffer.clear()) >= 0) {
        digest.update(buffer.flip());
      }
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  private static MessageDigest digest(String algorithm) {
    try {
      return MessageDigest.getInstance(algorithm);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(algorithm + " is part of every JDK", e);
    }
  }

  @Override
  public String toString() {
    return value;
  }
}
