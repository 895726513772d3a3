package io.github.lora4j.quant;

import io.github.lora4j.model.CausalLM;
import io.github.lora4j.model.LinearShape;
import io.github.lora4j.nn.LinearLayer;
import io.github.lora4j.tensor.Tensor;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * The memory of a model's weights.
 *
 * @param bytes of all of them
 * @param largestQuantized the numbers of the largest quantized weight; 0 where none is
 */
record ModelWeights(long bytes, long largestQuantized) {

  private static final long NESTED_BLOCK = 256;

  static ModelWeights of(CausalLM model, Optional<BitsAndBytesConfig> quantization) {
    Map<String, LinearLayer> quantized = new HashMap<>();
    if (quantization.isPresent()) {
      for (LinearLayer layer : model.linearLayers()) {
        boolean head = layer.name().equals(model.headName());
        boolean tied = head && model.spec().tieWordEmbeddings();
        LinearShape shape =
            new LinearShape(layer.name(), layer.outFeatures(), layer.inFeatures(), false, head);
        if (!tied && quantization.get().quantizes(shape)) {
          quantized.put(layer.name() + ".weight", layer);
        }
      }
    }
    long bytes = 0;
    long largest = 0;
    for (Map.Entry<String, Tensor> parameter : model.parameters().entrySet()) {
      Tensor tensor = parameter.getValue();
      LinearLayer layer = quantized.get(parameter.getKey());
      if (layer == null) {
        bytes += tensor.numel() * tensor.dtype().byteSize();
      } else {
        bytes += coded(layer, tensor.numel(), quantization.orElseThrow());
        largest = Math.max(largest, tensor.numel());
      }
    }
    return new ModelWeights(bytes, largest);
  }

  private static long coded(LinearLayer layer, long numbers, BitsAndBytesConfig how) {
    if (how.loadIn8Bit()) {
      return numbers + (long) layer.outFeatures() * Float.BYTES;
    }
    long blocks = ceil(numbers, how.bnb4BitBlocksize());
    long scales =
        how.bnb4BitUseDoubleQuant()
            ? blocks + ceil(blocks, NESTED_BLOCK) * Float.BYTES
            : blocks * Float.BYTES;
    return ceil(numbers, 2) + scales;
  }

  private static long ceil(long numbers, long each) {
    return (numbers + each - 1) / each;
  }
}
