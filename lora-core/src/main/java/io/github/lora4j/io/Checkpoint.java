package io.github.lora4j.io;

import io.github.lora4j.error.CheckpointFormatException;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The weights of a Hugging Face model folder: {@code model.safetensors}, or the shards that {@code
 * model.safetensors.index.json} names.
 *
 * <p>Where both are there, the single file counts, as in transformers. An index may name only plain
 * files of its own folder, no paths; such a file may be a symbolic link that the folder's owner
 * made, as the Hugging Face cache does. Index and shards must agree on every tensor.
 */
public final class Checkpoint implements AutoCloseable {

  private final Path folder;
  private final List<SafeTensors> shards;
  private final Map<String, SafeTensors> shardOf;

  private Checkpoint(Path folder, List<SafeTensors> shards) {
    this.folder = folder;
    this.shards = List.copyOf(shards);
    Map<String, SafeTensors> byName = new LinkedHashMap<>();
    shards.forEach(shard -> shard.names().forEach(name -> byName.put(name, shard)));
    this.shardOf = Collections.unmodifiableMap(byName);
  }

  /**
   * Opens the checkpoint in a folder; no tensor's data are read yet.
   *
   * @throws CheckpointFormatException if there is none, a file is damaged, a shard is missing, or
   *     index and shards disagree
   * @throws UncheckedIOException if a file cannot be read
   */
  public static Checkpoint open(Path folder) {
    Path single = folder.resolve(CheckpointFiles.SINGLE);
    if (Files.exists(single)) {
      return new Checkpoint(folder, List.of(SafeTensors.open(single)));
    }
    Path index = folder.resolve(CheckpointFiles.INDEX);
    if (!Files.exists(index)) {
      throw CheckpointFiles.nothingToOpen(folder);
    }
    return openShards(folder, index);
  }

  private static Checkpoint openShards(Path folder, Path index) {
    Map<String, Path> fileOf = CheckpointIndex.read(index);
    Map<Path, SafeTensors> shards = new LinkedHashMap<>();
    try {
      fileOf.forEach(
          (name, file) -> {
            if (!shards.containsKey(file)) {
              shards.put(file, openShard(index, name, file));
            }
            if (!shards.get(file).names().contains(name)) {
              throw new CheckpointFormatException(
                  "%s: tensor %s: expected in %s, which does not hold it"
                      .formatted(index, Quoted.of(name), file.getFileName()));
            }
          });
      shards.forEach((file, shard) -> checkAllIndexed(index, fileOf, file, shard));
      return new Checkpoint(folder, new ArrayList<>(shards.values()));
    } catch (RuntimeException e) {
      shards.values().forEach(SafeTensors::close);
      throw e;
    }
  }

  private static SafeTensors openShard(Path index, String tensor, Path file) {
    if (!Files.exists(file)) {
      throw new CheckpointFormatException(
          "%s: tensor %s is in %s, and that file is missing; download it again"
              .formatted(index, Quoted.of(tensor), file.getFileName()));
    }
    return SafeTensors.open(file);
  }

  private static void checkAllIndexed(
      Path index, Map<String, Path> fileOf, Path file, SafeTensors shard) {
    for (String name : shard.names()) {
      Path indexed = fileOf.get(name);
      if (indexed == null) {
        throw new CheckpointFormatException(
            "%s: %s holds tensor %s, which the index does not name; they are of different saves"
                .formatted(index, file.getFileName(), Quoted.of(name)));
      }
      if (!indexed.equals(file)) {
        throw new CheckpointFormatException(
            "%s: tensor %s is in two files, %s and %s; only the first should hold it"
                .formatted(index, Quoted.of(name), indexed.getFileName(), file.getFileName()));
      }
    }
  }

  /** The folder that was opened. */
  public Path folder() {
    return folder;
  }

  /** The files that hold the tensors. */
  public List<Path> files() {
    return shards.stream().map(SafeTensors::file).toList();
  }

  /** The names of all tensors, file by file. */
  public Set<String> names() {
    return shardOf.keySet();
  }

  /**
   * What a tensor is and where it lies.
   *
   * @throws CheckpointFormatException if there is no tensor of this name
   */
  public TensorInfo info(String name) {
    return shard(name).info(name);
  }

  /**
   * The file that holds a tensor.
   *
   * @throws CheckpointFormatException if there is no tensor of this name
   */
  public Path fileOf(String name) {
    return shard(name).file();
  }

  /**
   * A tensor on the CPU, with the file's dtype and shape: a view of the mapped file where possible.
   *
   * @return a new tensor, the caller's (or its {@link TensorScope}'s) to close; it stays valid
   *     after this checkpoint is closed
   * @throws CheckpointFormatException if there is no tensor of this name, or its dtype is one that
   *     {@link DType} lacks
   * @throws IllegalStateException if this checkpoint is closed
   * @see SafeTensors#tensor(String)
   */
  public Tensor tensor(String name) {
    return shard(name).tensor(name);
  }

  /**
   * Takes the data of a tensor that was read, and only read, out of memory.
   *
   * @see SafeTensors#drop(String)
   */
  public void drop(String name) {
    shard(name).drop(name);
  }

  private SafeTensors shard(String name) {
    SafeTensors shard = shardOf.get(name);
    if (shard == null) {
      throw new CheckpointFormatException(
          "%s has no tensor %s among its %d".formatted(folder, Quoted.of(name), shardOf.size()));
    }
    return shard;
  }

  /** Closes all files; tensors read from them stay valid. */
  @Override
  public void close() {
    shards.forEach(SafeTensors::close);
  }

  /** The folder and the numbers of its tensors and files. */
  @Override
  public String toString() {
    return "Checkpoint[%s, %d tensors in %d files]"
        .formatted(folder, shardOf.size(), shards.size());
  }
}
