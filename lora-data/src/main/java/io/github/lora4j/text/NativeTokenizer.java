package io.github.lora4j.text;

import ai.djl.huggingface.tokenizers.jni.LibUtils;
import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;
import io.github.lora4j.error.CheckpointFormatException;
import io.github.lora4j.error.DeviceException;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;

/**
 * One tokenizer of DJL's native library; the only class that touches DJL.
 *
 * <p>It calls DJL's bindings and not its {@code HuggingFaceTokenizer}: each factory method of that
 * reports usage over the network, which an environment variable can switch on again over any
 * setting made here, and each encoding fetches nine arrays where one is needed (a third of its
 * speed).
 */
final class NativeTokenizer implements AutoCloseable {

  private final String name;
  private final long handle;
  // Many may encode at once; closing waits for them, since a freed tokenizer would crash the JVM.
  private final ReadWriteLock lock = new ReentrantReadWriteLock();
  private volatile boolean closed;

  private NativeTokenizer(String name, long handle) {
    this.name = name;
    this.handle = handle;
  }

  /**
   * Builds the tokenizer that a {@code tokenizer.json} describes, with truncation and padding off.
   *
   * @param name what to call it in messages
   * @throws IllegalArgumentException if the library refuses the text; the message says why
   * @throws DeviceException if there is no native library for this machine
   */
  static NativeTokenizer of(String name, String json) {
    loadLibrary();
    long handle;
    try {
      handle = TokenizersLibrary.LIB.createTokenizerFromString(json);
    } catch (RuntimeException e) {
      throw new IllegalArgumentException(e.getMessage(), e);
    }
    TokenizersLibrary.LIB.disableTruncation(handle);
    TokenizersLibrary.LIB.disablePadding(handle);
    return new NativeTokenizer(name, handle);
  }

  private static void loadLibrary() {
    switchNetworkOff();
    try {
      LibUtils.checkStatus();
    } catch (RuntimeException | LinkageError e) {
      throw new DeviceException(
          "no tokenizer library for "
              + System.getProperty("os.name")
              + " on "
              + System.getProperty("os.arch")
              + ": DJL brings one for Linux (x86-64, ARM64), macOS (ARM64) and Windows (x86-64);"
              + " elsewhere build its extension \"tokenizers\" and set the system property"
              + " RUST_LIBRARY_PATH to the folder that holds it",
          e);
    }
  }

  /** Keeps all of DJL silent in this JVM, whatever system properties were set before. */
  private static void switchNetworkOff() {
    System.setProperty("OPT_OUT_TRACKING", "true");
    System.setProperty("ai.djl.offline", "true");
    String offline = System.getenv("DJL_OFFLINE");
    if (offline != null
        && !Boolean.parseBoolean(offline)
        && System.getProperty("RUST_FLAVOR") == null) {
      // This variable outweighs the property, and DJL would fetch a CUDA build where there is CUDA.
      System.setProperty("RUST_FLAVOR", "cpu");
    }
  }

  int[] encode(String text, boolean addSpecialTokens) {
    lock.readLock().lock();
    try {
      requireOpen();
      return takeIds(TokenizersLibrary.LIB.encode(handle, text, addSpecialTokens));
    } catch (RuntimeException e) {
      throw unencodable(e);
    } finally {
      lock.readLock().unlock();
    }
  }

  int[][] encode(String[] texts, boolean addSpecialTokens) {
    lock.readLock().lock();
    try {
      requireOpen();
      long[] encodings = TokenizersLibrary.LIB.batchEncode(handle, texts, addSpecialTokens);
      int[][] ids = new int[encodings.length][];
      for (int i = 0; i < encodings.length; i++) {
        ids[i] = takeIds(encodings[i]);
      }
      return ids;
    } catch (RuntimeException e) {
      throw unencodable(e);
    } finally {
      lock.readLock().unlock();
    }
  }

  /** The library's own errors, such as a vocabulary without the token for what it lacks. */
  private RuntimeException unencodable(RuntimeException e) {
    return e instanceof IllegalStateException
        ? e
        : new CheckpointFormatException(name + " cannot encode a text: " + e.getMessage(), e);
  }

  private static int[] takeIds(long encoding) {
    try {
      long[] ids = TokenizersLibrary.LIB.getTokenIds(encoding);
      int[] narrow = new int[ids.length];
      for (int i = 0; i < ids.length; i++) {
        narrow[i] = Math.toIntExact(ids[i]);
      }
      return narrow;
    } finally {
      TokenizersLibrary.LIB.deleteEncoding(encoding);
    }
  }

  String decode(int[] ids, boolean skipSpecialTokens) {
    long[] wide = new long[ids.length];
    for (int i = 0; i < ids.length; i++) {
      wide[i] = ids[i];
    }
    lock.readLock().lock();
    try {
      requireOpen();
      return TokenizersLibrary.LIB.decode(handle, wide, skipSpecialTokens);
    } finally {
      lock.readLock().unlock();
    }
  }

  void requireOpen() {
    if (closed) {
      throw new IllegalStateException("the tokenizer is closed");
    }
  }

  @Override
  public void close() {
    lock.writeLock().lock();
    try {
      if (!closed) {
        closed = true;
        TokenizersLibrary.LIB.deleteTokenizer(handle);
      }
    } finally {
      lock.writeLock().unlock();
    }
  }
}
