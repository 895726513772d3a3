package io.github.lora4j.quant;

import io.github.lora4j.internal.quant.Int8Rows;
import io.github.lora4j.io.Checkpoint;
import io.github.lora4j.model.LinearShape;
import io.github.lora4j.model.Quantization;
import io.github.lora4j.nn.QuantizedLinear;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Tensor;
import java.util.Optional;

/** Makes the quantized layers of one model, which share memory to compute in. */
final class BnbLayers implements Quantization.Layers {

  private final BitsAndBytesConfig config;
  private final DType dtype;
  private final Device device;
  private final Scratch scratch = new Scratch();

  BnbLayers(BitsAndBytesConfig config, DType dtype, Device device) {
    this.config = config;
    this.dtype = dtype;
    this.device = device;
  }

  @Override
  public QuantizedLinear quantize(LinearShape layer, Tensor weight, Optional<Tensor> bias) {
    QuantizedWeight coded;
    try {
      coded = coded(weight);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(layer.name() + ".weight: " + e.getMessage(), e);
    }
    return layer(layer, coded, bias);
  }

  private QuantizedWeight coded(Tensor weight) {
    if (config.loadIn4Bit()) {
      FourBitWeight coded = FourBitWeight.of(weight, config);
      try (coded) {
        return new FourBitWeight(coded.coded().to(device), coded.storage());
      }
    }
    try (Int8Rows rows = Int8Rows.quantize(weight)) {
      return new EightBitWeight(rows.to(device));
    }
  }

  @Override
  public QuantizedLinear load(
      LinearShape layer, Checkpoint checkpoint, String weightName, Optional<Tensor> bias) {
    return layer(layer, StoredWeights.load(layer, checkpoint, weightName, device), bias);
  }

  private QuantizedLinear layer(LinearShape shape, QuantizedWeight weight, Optional<Tensor> bias) {
    Optional<DType> computed =
        weight instanceof FourBitWeight
            ? Optional.of(config.bnb4BitComputeDtype())
            : Optional.empty();
    return new BnbLinear(shape, weight, bias, dtype, computed, scratch);
  }
}
