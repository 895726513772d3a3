package io.github.lora4j.io;

import io.github.lora4j.tensor.Tensor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * Writes the weights of a Hugging Face model folder: {@code model.safetensors}, or shards of
 * limited size with {@code model.safetensors.index.json}.
 *
 * <p>All data are written under temporary names first. What the folder held before stays in force
 * until the last of the new files is in place; then the files that it no longer needs are removed.
 * A failure puts everything back. If the process dies, the folder loads as it was, or as it shall
 * be, or, while shards replace others of the same names, not at all; never a mixture.
 */
public final class CheckpointWriter {

  /** The default size of a shard in bytes: 5 GB, as in transformers. */
  public static final long DEFAULT_MAX_SHARD_SIZE = 5_000_000_000L;

  private CheckpointWriter() {}

  /**
   * Writes a checkpoint in shards of at most {@link #DEFAULT_MAX_SHARD_SIZE} bytes.
   *
   * @param folder where to write; made where it is missing
   * @param tensors the tensors by name, borrowed
   * @throws UncheckedIOException if it cannot be written
   */
  public static void write(Path folder, Map<String, Tensor> tensors) {
    write(folder, tensors, DEFAULT_MAX_SHARD_SIZE);
  }

  /**
   * Writes a checkpoint in shards of limited size, which are filled in the map's order.
   *
   * @param folder where to write; made where it is missing
   * @param tensors the tensors by name, borrowed
   * @param maxShardSize the most bytes of data in one shard; a larger tensor gets a shard of its
   *     own. What fits into one shard is written as {@code model.safetensors}
   * @throws IllegalArgumentException if the size is not positive or a name cannot be written
   * @throws UncheckedIOException if it cannot be written
   */
  public static void write(Path folder, Map<String, Tensor> tensors, long maxShardSize) {
    if (maxShardSize <= 0) {
      throw new IllegalArgumentException(
          "maxShardSize: expected a positive number of bytes, found " + maxShardSize);
    }
    List<Map<String, Tensor>> shards = split(tensors, maxShardSize);
    try {
      if (shards.size() == 1) {
        SafeTensorsWriter.write(folder.resolve(CheckpointFiles.SINGLE), tensors);
        removeStale(folder, Set.of(CheckpointFiles.SINGLE));
      } else {
        writeShards(folder, shards);
      }
    } catch (IOException e) {
      throw AtomicFile.failure(folder, e);
    }
  }

  private static List<Map<String, Tensor>> split(Map<String, Tensor> tensors, long maxShardSize) {
    List<Map<String, Tensor>> shards = new ArrayList<>();
    Map<String, Tensor> shard = new LinkedHashMap<>();
    shards.add(shard);
    long size = 0;
    for (Map.Entry<String, Tensor> entry : tensors.entrySet()) {
      long bytes = HeaderWriter.byteSize(entry.getValue());
      if (bytes > maxShardSize - size && !shard.isEmpty()) {
        shard = new LinkedHashMap<>();
        shards.add(shard);
        size = 0;
      }
      shard.put(entry.getKey(), entry.getValue());
      size += bytes;
    }
    return shards;
  }

  private static void writeShards(Path folder, List<Map<String, Tensor>> shards)
      throws IOException {
    List<AtomicFile> pending = new ArrayList<>();
    Set<String> names = new TreeSet<>(Set.of(CheckpointFiles.INDEX));
    Map<String, String> weightMap = new LinkedHashMap<>();
    long totalSize = 0;
    try {
      for (Map<String, Tensor> shard : shards) {
        String name = CheckpointFiles.shard(pending.size() + 1, shards.size());
        names.add(name);
        for (Map.Entry<String, Tensor> entry : shard.entrySet()) {
          weightMap.put(entry.getKey(), name);
          totalSize = Math.addExact(totalSize, HeaderWriter.byteSize(entry.getValue()));
        }
        AtomicFile file = AtomicFile.create(folder.resolve(name));
        pending.add(file);
        SafeTensorsWriter.writeTo(file, shard, Map.of());
      }
      try (AtomicFile index = AtomicFile.create(folder.resolve(CheckpointFiles.INDEX))) {
        String json = CheckpointIndex.toJson(totalSize, weightMap);
        index.write(ByteBuffer.wrap(json.getBytes(StandardCharsets.UTF_8)));
        index.finish();
        putInForce(pending, index);
      }
    } finally {
      for (AtomicFile file : pending) {
        file.close();
      }
    }
    removeStale(folder, names);
  }

  /** Gives the files their names, the index last. */
  private static void putInForce(List<AtomicFile> shards, AtomicFile index) throws IOException {
    try (FolderUpdate update = new FolderUpdate()) {
      if (shards.stream().anyMatch(shard -> Files.exists(shard.target()))) {
        // Without its index, a mixture of old and new shards does not load.
        update.setAside(index.target());
      }
      for (AtomicFile shard : shards) {
        update.setAside(shard.target());
      }
      for (AtomicFile shard : shards) {
        update.place(shard);
      }
      update.place(index);
      update.commit();
    }
  }

  private static void removeStale(Path folder, Set<String> written) throws IOException {
    List<Path> candidates = new ArrayList<>(CheckpointFiles.shards(folder));
    candidates.add(0, folder.resolve(CheckpointFiles.INDEX));
    candidates.add(0, folder.resolve(CheckpointFiles.SINGLE));
    for (Path candidate : candidates) {
      if (!written.contains(candidate.getFileName().toString())) {
        Files.deleteIfExists(candidate);
      }
    }
  }
}
