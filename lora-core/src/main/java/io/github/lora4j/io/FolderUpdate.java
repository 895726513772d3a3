package io.github.lora4j.io;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Moves of files within a folder that are undone, last first, unless all of them succeed.
 *
 * <p>Should the process die in between, every file that was set aside is still there, whole, under
 * its hidden name.
 */
final class FolderUpdate implements AutoCloseable {

  private final Deque<Path> placed = new ArrayDeque<>();
  private final Map<Path, Path> aside = new LinkedHashMap<>();
  private boolean done;

  /** Gives a file a hidden name, where it is there. */
  void setAside(Path file) throws IOException {
    if (Files.exists(file)) {
      Path hidden = file.resolveSibling(AtomicFile.hidden(file, CheckpointFiles.REPLACED));
      AtomicFile.move(file, hidden);
      aside.put(file, hidden);
    }
  }

  /** Moves a new file to its name, which must be free if it is to be undone. */
  void place(AtomicFile file) throws IOException {
    file.moveIntoPlace();
    placed.push(file.target());
  }

  /** Makes the moves final, and removes what was set aside. */
  void commit() throws IOException {
    done = true;
    for (Path hidden : aside.values()) {
      Files.delete(hidden);
    }
  }

  @Override
  public void close() throws IOException {
    if (done) {
      return;
    }
    for (Path file : placed) {
      Files.delete(file);
    }
    // The index was set aside first: it comes back last, when its shards are there again.
    Deque<Map.Entry<Path, Path>> back = new ArrayDeque<>();
    aside.entrySet().forEach(back::push);
    for (Map.Entry<Path, Path> entry : back) {
      AtomicFile.move(entry.getValue(), entry.getKey());
    }
  }
}
