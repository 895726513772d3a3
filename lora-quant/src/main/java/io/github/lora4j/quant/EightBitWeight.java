package io.github.lora4j.quant;

import io.github.lora4j.internal.quant.Int8Rows;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Tensor;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * A weight in 8 bits with a scale for each row: {@code bitsandbytes.nn.Int8Params}.
 *
 * @param rows the codes and their scales
 */
record EightBitWeight(Int8Rows rows) implements QuantizedWeight {

  /** The number that bitsandbytes has for codes that lie row by row. */
  static final byte ROW_FORMAT = 0;

  @Override
  public Tensor codes() {
    return rows.codes();
  }

  @Override
  public Device device() {
    return rows.device();
  }

  @Override
  public void dequantizeInto(Tensor target) {
    rows.dequantizeInto(target);
  }

  @Override
  public Optional<Tensor> fewRows(Tensor x) {
    return Optional.empty();
  }

  @Override
  public EightBitWeight requantized(Tensor weight) {
    return new EightBitWeight(Int8Rows.quantize(weight));
  }

  @Override
  public Map<String, Tensor> stored() {
    Map<String, Tensor> stored = new LinkedHashMap<>();
    stored.put("weight", codes());
    stored.put("SCB", rows.scb());
    stored.put("weight_format", Tensor.ofBytes(new byte[] {ROW_FORMAT}));
    return stored;
  }

  @Override
  public EightBitWeight share() {
    return new EightBitWeight(rows.share());
  }

  @Override
  public void close() {
    rows.close();
  }
}
