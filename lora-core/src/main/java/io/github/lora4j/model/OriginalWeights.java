package io.github.lora4j.model;

import io.github.lora4j.error.CheckpointFormatException;
import io.github.lora4j.io.Checkpoint;
import io.github.lora4j.io.TensorInfo;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;

/**
 * The weights of a checkpoint folder, as the folder holds them, for a model whose own are quantized
 * or otherwise changed: one at a time, by the names of the model's linear layers.
 */
public final class OriginalWeights implements AutoCloseable {

  private static final Set<String> PLAIN = Set.of("F32", "BF16", "F16", "F64");

  private final Checkpoint checkpoint;
  private final StoredNames names;

  private OriginalWeights(Checkpoint checkpoint, StoredNames names) {
    this.checkpoint = checkpoint;
    this.names = names;
  }

  /**
   * Opens a folder; no weight is read yet.
   *
   * @param modelDir holds {@code model.safetensors}, or its shards and their index
   * @param model what the folder is a checkpoint of; its family says what tensors are called there
   * @throws CheckpointFormatException if there is no checkpoint, or it is damaged
   */
  public static OriginalWeights open(Path modelDir, DecoderModel model) {
    Checkpoint checkpoint = Checkpoint.open(modelDir);
    return new OriginalWeights(
        checkpoint, new StoredNames(checkpoint, model.family(), model.spec()));
  }

  /**
   * Looks whether a layer's weight is there, without reading it.
   *
   * @return the tensor's name in the folder and the file that holds it, for messages
   * @throws CheckpointFormatException if it isn't, has another shape, or is no plain weight
   */
  public String find(LinearShape layer) {
    String name = names.of(layer.name() + ".weight");
    TensorInfo info = checkpoint.info(name);
    List<Long> expected = Arrays.stream(layer.denseShape()).boxed().toList();
    if (!info.shape().equals(expected) || !PLAIN.contains(info.dtypeName())) {
      throw new CheckpointFormatException(
          "%s: tensor '%s': expected a weight %s in float32, bfloat16 or float16, found %s %s; give"
                  .formatted(info.file(), name, expected, info.dtypeName(), info.shape())
              + " the folder of the unquantized checkpoint that the model was made from");
    }
    return "%s: tensor '%s'".formatted(info.file(), name);
  }

  /**
   * Reads a layer's weight.
   *
   * @return {@code [out, in]} in the folder's dtype on the CPU, the caller's scope's
   * @throws CheckpointFormatException as {@link #find}
   */
  public Tensor read(LinearShape layer) {
    find(layer);
    try (TensorScope scope = TensorScope.open()) {
      Tensor stored = checkpoint.tensor(names.of(layer.name() + ".weight"));
      return scope.handOver(layer.inputFirst() ? stored.transpose(0, 1) : stored);
    }
  }

  /** Takes the data of a weight that was read and is no longer used out of memory. */
  public void drop(LinearShape layer) {
    checkpoint.drop(names.of(layer.name() + ".weight"));
  }

  /** Closes the files; weights that were read stay valid. */
  @Override
  public void close() {
    checkpoint.close();
  }
}
