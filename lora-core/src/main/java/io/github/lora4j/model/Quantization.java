package io.github.lora4j.model;

import io.github.lora4j.io.Checkpoint;
import io.github.lora4j.nn.QuantizedLinear;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Tensor;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.Set;

/**
 * How linear layers are quantized when a model is loaded: transformers' {@code
 * quantization_config}. The module lora-quant has those of bitsandbytes.
 *
 * <p>Embeddings, norms, routers and the experts of a mixture stay as they are, as in transformers,
 * where they aren't {@code torch.nn.Linear} either; so does a head that is tied to the embedding.
 */
public interface Quantization {

  /**
   * Finds a quantization among the modules on the class path, for weights that are quantized after
   * loading.
   *
   * @param what asks for it, for the message of an error
   * @param quantizationConfig what {@code config.json} would have under {@code quantization_config}
   * @throws io.github.lora4j.error.UnsupportedModelException if no module knows it, naming the one
   *     to add
   */
  static Quantization of(String what, Map<String, Object> quantizationConfig) {
    return Quantizations.of(
        what, quantizationConfig, ServiceLoader.load(QuantizationProvider.class));
  }

  /** What {@code config.json} has under {@code quantization_config}, in its order. */
  Map<String, Object> toConfig();

  /** Whether a linear layer of a dense checkpoint is to be quantized. */
  boolean quantizes(LinearShape layer);

  /**
   * What these wishes come to for a checkpoint that is quantized already.
   *
   * @param stored what its {@code config.json} says
   * @throws IllegalArgumentException if it is quantized another way than is wished for
   */
  Quantization forCheckpoint(Quantization stored);

  /**
   * The tensors that hold a quantized weight in a checkpoint, all of which must be there; empty
   * where it holds the weight dense.
   *
   * @param weightName what the checkpoint calls the weight
   * @throws io.github.lora4j.error.CheckpointFormatException if what says how to read them can't be
   *     read itself
   */
  Optional<Map<String, StoredTensor>> storedTensors(
      LinearShape layer, Checkpoint checkpoint, String weightName);

  /**
   * Begins to load one model.
   *
   * @param dtype of all that isn't quantized, and of what the layers read and return
   * @param device where the layers are to lie
   */
  Layers open(DType dtype, Device device);

  /**
   * What a tensor of a checkpoint must be.
   *
   * @param shape the sizes of its dimensions
   * @param dtypes those that it may have
   */
  record StoredTensor(List<Long> shape, Set<DType> dtypes) {

    /** Copies the lists. */
    public StoredTensor {
      shape = List.copyOf(shape);
      dtypes = Set.copyOf(dtypes);
    }
  }

  /** Makes the quantized layers of one model, and what they share. */
  interface Layers {

    /**
     * Quantizes a weight.
     *
     * @param weight {@code [out, in]} in the model's dtype on the CPU, borrowed
     * @param bias {@code [out]} in the model's dtype on its device; becomes the layer's
     */
    QuantizedLinear quantize(LinearShape layer, Tensor weight, Optional<Tensor> bias);

    /**
     * Loads a weight that is quantized in a checkpoint, after its tensors were found to be there.
     *
     * @param weightName what the checkpoint calls the weight
     * @param bias {@code [out]} in the model's dtype on its device; becomes the layer's
     * @throws io.github.lora4j.error.CheckpointFormatException if the tensors contradict each other
     */
    QuantizedLinear load(
        LinearShape layer, Checkpoint checkpoint, String weightName, Optional<Tensor> bias);
  }
}
