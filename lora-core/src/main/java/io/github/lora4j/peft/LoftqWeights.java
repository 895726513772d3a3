package io.github.lora4j.peft;

import io.github.lora4j.error.CheckpointFormatException;
import io.github.lora4j.model.DecoderSpec;
import io.github.lora4j.model.LinearShape;
import io.github.lora4j.model.OriginalWeights;
import io.github.lora4j.nn.QuantizedLinear;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.LinearAlgebra;
import io.github.lora4j.tensor.NoGrad;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Gives an adapter on a quantized base its beginning out of what quantizing lost, after LoftQ (Li
 * et al., 2023): PEFT's {@code replace_lora_weights_loftq}.
 */
public final class LoftqWeights {

  private LoftqWeights() {}

  /** Replaces the matrices of the adapter {@code default}. */
  public static void replace(PeftModel<?> model, Path modelDir) {
    replace(model, modelDir, AdapterNames.DEFAULT);
  }

  /**
   * Sets A and B of every adapted layer that is quantized, so that {@code scaling * B A} is the
   * nearest of its rank to what the layer lost; whatever they were before is gone. Magnitudes of
   * DoRA begin anew with them. Layers that aren't quantized stay as they are.
   *
   * <p>The tensors stay the same ones, so that an optimizer may be made before. One weight is in
   * memory at a time. Unlike in PEFT the scaling is divided out, without which the adapter would
   * overshoot unless alpha equals r; and layers of LLM.int8 are taken, too.
   *
   * <p>For a base that isn't quantized there is {@link InitLoraWeights#LOFTQ}.
   *
   * <p>One adapter can make good a loss only once: replace the matrices of two, and set both, and
   * what was lost is added twice.
   *
   * @param modelDir the folder of the unquantized checkpoint that the base was made from: {@code
   *     model.safetensors}, or its shards and their index
   * @throws IllegalStateException if no adapted layer is quantized, adapters are merged, or the
   *     adapter took a part out of the base already ({@code pissa}, {@code olora})
   * @throws IllegalArgumentException if there is no such adapter, or a rank is more than a weight
   *     has
   * @throws CheckpointFormatException naming file and tensor, if a weight is missing, of another
   *     shape, not finite, or not the one that was quantized; then nothing has changed
   */
  public static void replace(PeftModel<?> model, Path modelDir, String adapterName) {
    Adapter adapter = model.adapter(adapterName);
    Map<AdaptedLinear, LinearShape> layers = layers(model, adapter);
    try (TensorScope scope = TensorScope.open();
        NoGrad noGrad = NoGrad.open();
        OriginalWeights original = OriginalWeights.open(modelDir, model.baseModel())) {
      layers.values().forEach(original::find);
      Map<AdaptedLinear, InitialFactors> found = new LinkedHashMap<>();
      layers.forEach(
          (layer, shape) ->
              found.put(layer, factors(original, shape, layer, update(layer, adapterName))));
      found.forEach(
          (layer, factors) ->
              update(layer, adapterName).begin(factors.a(), factors.b(), layer.base()));
    }
  }

  /** What is to be replaced, and where the original of each is. */
  private static Map<AdaptedLinear, LinearShape> layers(PeftModel<?> model, Adapter adapter) {
    if (model.isMerged()) {
      throw new IllegalStateException(
          "Adapters are merged: call unmergeAdapter() before LoftQ replaces their weights.");
    }
    if (adapter.config().initLoraWeights().changesBase()) {
      throw new IllegalStateException(
          "The adapter \"%s\" took a part out of the base (initLoraWeights \"%s\"), so LoftQ can't begin it: leave initLoraWeights as it is by default"
              .formatted(adapter.name(), adapter.config().initLoraWeights()));
    }
    Map<AdaptedLinear, LinearShape> layers = new LinkedHashMap<>();
    for (AdaptedLinear layer : model.layers().linears()) {
      if (layer.update(adapter.name()).isPresent()
          && layer.base() instanceof QuantizedLinear quantized) {
        layers.put(
            layer,
            new LinearShape(
                nameInBase(layer.name(), adapter.config(), model.baseModel().spec()),
                layer.outFeatures(),
                layer.inFeatures(),
                quantized.isInputFirst(),
                false));
      }
    }
    if (layers.isEmpty()) {
      throw new IllegalStateException(
          "None of the layers that \"%s\" adapts is quantized, so that nothing was lost: load the base with LoadOptions.quantization(BitsAndBytesConfig.nf4()), of lora-quant; or let initLoraWeights \"loftq\" round the dense base"
              .formatted(adapter.name()));
    }
    return layers;
  }

  private static LoraUpdate update(AdaptedLinear layer, String adapterName) {
    return layer.update(adapterName).orElseThrow();
  }

  private static InitialFactors factors(
      OriginalWeights original, LinearShape shape, AdaptedLinear layer, LoraUpdate update) {
    try (TensorScope scope = TensorScope.open()) {
      Tensor weight = original.read(shape).to(DType.F32).to(layer.device());
      Tensor quantized = BaseWeights.decoded(layer.base());
      requireOrigin(original.find(shape), weight, quantized);
      InitialFactors factors =
          LoftqInit.replacing(
              layer.name(), weight, quantized, update.weights().rank(), update.scaling());
      original.drop(shape);
      return factors.handOver(scope);
    }
  }

  /** Rounding to codes, zero among them, leaves less of a weight than all of it. */
  private static void requireOrigin(String tensor, Tensor weight, Tensor quantized) {
    try (TensorScope scope = TensorScope.open()) {
      if (!weight.isFinite().all()) {
        throw new CheckpointFormatException(tensor + " holds NaN or infinite numbers");
      }
      double lost = length(weight.add(quantized, -1));
      double whole = length(weight);
      if (lost > whole) {
        throw new CheckpointFormatException(
            "%s is not what the base was quantized from: they differ by %.2f times its length; give the folder that the base was loaded from"
                .formatted(tensor, lost / whole));
      }
    }
  }

  private static double length(Tensor weight) {
    return LinearAlgebra.norm(LinearAlgebra.norm(weight, 1), 0).item();
  }

  /** A layer's name in the base, of whose layers the stack may repeat some. */
  private static String nameInBase(String name, LoraConfig config, DecoderSpec spec) {
    List<Integer> order = LayerReplication.order(config.layerReplication(), spec);
    for (int place = 0; place < order.size(); place++) {
      String there = spec.inLayer(place, "");
      if (name.startsWith(there)) {
        return spec.inLayer(order.get(place), name.substring(there.length()));
      }
    }
    return name;
  }
}
