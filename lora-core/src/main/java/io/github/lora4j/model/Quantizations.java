package io.github.lora4j.model;

import io.github.lora4j.error.UnsupportedModelException;
import io.github.lora4j.internal.text.PythonJson;
import io.github.lora4j.nn.LinearLayer;
import io.github.lora4j.nn.QuantizedLinear;
import io.github.lora4j.tensor.Tensor;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.function.UnaryOperator;

/** How a checkpoint is quantized, or is to be, and what is written of it. */
final class Quantizations {

  static final String KEY = "quantization_config";

  private static final String WEIGHT = ".weight";
  private static final String BITSANDBYTES = "bitsandbytes";

  private Quantizations() {}

  /**
   * How a checkpoint is quantized; empty where it isn't.
   *
   * @throws IllegalArgumentException if the options want it otherwise
   */
  static Optional<Quantization> stored(ModelConfig config, LoadOptions options) {
    Optional<Quantization> stored = stored(config, ServiceLoader.load(QuantizationProvider.class));
    return stored.map(
        how -> options.quantization().map(wish -> wish.forCheckpoint(how)).orElse(how));
  }

  /** The configuration of a model that was loaded so. */
  static ModelConfig written(
      ModelConfig config, Optional<Quantization> stored, LoadOptions options) {
    return stored.isPresent() || options.quantization().isEmpty()
        ? config
        : config.withValue(KEY, options.quantization().get().toConfig());
  }

  /** The configuration of a model with other layers, of which none may be quantized any more. */
  static ModelConfig written(ModelConfig config, List<LinearLayer> layers) {
    return layers.stream().anyMatch(QuantizedLinear.class::isInstance)
        ? config
        : config.without(KEY);
  }

  /** The tensors of a checkpoint: what is quantized, with all that belongs to it. */
  static Map<String, Tensor> stored(
      Map<String, Tensor> parameters, List<LinearLayer> layers, UnaryOperator<String> names) {
    Map<String, QuantizedLinear> quantized = new LinkedHashMap<>();
    for (LinearLayer layer : layers) {
      if (layer instanceof QuantizedLinear few) {
        quantized.put(few.name() + WEIGHT, few);
      }
    }
    Map<String, Tensor> stored = new LinkedHashMap<>();
    parameters.forEach(
        (name, tensor) -> {
          String weight = names.apply(name);
          if (quantized.containsKey(name)) {
            String module = weight.substring(0, weight.length() - WEIGHT.length());
            quantized.get(name).stored().forEach((key, t) -> stored.put(module + "." + key, t));
          } else {
            stored.put(weight, tensor);
          }
        });
    return stored;
  }

  static Optional<Quantization> stored(
      ModelConfig config, Iterable<QuantizationProvider> providers) {
    Optional<ModelConfig> section = config.section(KEY);
    if (section.isEmpty()) {
      return Optional.empty();
    }
    for (QuantizationProvider provider : providers) {
      Optional<Quantization> read = provider.read(section.get());
      if (read.isPresent()) {
        return read;
      }
    }
    throw unknown(section.get());
  }

  /** What a setting asks for, wherever the weights come from. */
  static Quantization of(
      String what, Map<String, Object> section, Iterable<QuantizationProvider> providers) {
    ModelConfig config = ModelConfig.of(PythonJson.write(section), what);
    for (QuantizationProvider provider : providers) {
      Optional<Quantization> read = provider.read(config);
      if (read.isPresent()) {
        return read.get();
      }
    }
    throw new UnsupportedModelException(
        what
            + " quantizes weights as "
            + methodOf(config)
            + " does, and nothing on the class path can: add the Maven dependency"
            + " io.github.lora4j:lora-quant in the version of lora-core.");
  }

  private static UnsupportedModelException unknown(ModelConfig section) {
    String method = methodOf(section);
    return new UnsupportedModelException(
        method.equals(BITSANDBYTES)
            ? section.source()
                + ": the checkpoint is quantized with bitsandbytes, and nothing on the class path"
                + " reads that: add the Maven dependency io.github.lora4j:lora-quant in the version"
                + " of lora-core."
            : section.source()
                + ": quant_method '"
                + method
                + "' can't be loaded: known is bitsandbytes (4-bit and LLM.int8); otherwise use the"
                + " repository's float32, bfloat16 or float16 checkpoint.");
  }

  /** transformers takes a section without a method for bitsandbytes' where it loads in few bits. */
  private static String methodOf(ModelConfig section) {
    boolean few = section.flag("load_in_4bit", false) || section.flag("load_in_8bit", false);
    return section.string("quant_method", few ? BITSANDBYTES : "");
  }
}
