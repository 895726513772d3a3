package io.github.lora4j.quant;

import io.github.lora4j.internal.quant.Quantized4Bit;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Tensor;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * A weight in 4 bits: {@code bitsandbytes.nn.Params4bit}.
 *
 * @param coded the codes and their scales
 * @param storage the dtype that a checkpoint gives the codes: {@code bnb_4bit_quant_storage}
 */
record FourBitWeight(Quantized4Bit coded, DType storage) implements QuantizedWeight {

  static FourBitWeight of(Tensor weight, BitsAndBytesConfig config) {
    Quantized4Bit coded =
        Quantized4Bit.quantize(
            weight,
            config.bnb4BitQuantType().kernel(),
            config.bnb4BitBlocksize(),
            config.bnb4BitUseDoubleQuant());
    DType storage = config.bnb4BitQuantStorage();
    boolean fits = coded.codes().numel() % storage.byteSize() == 0;
    return new FourBitWeight(coded, fits ? storage : DType.U8);
  }

  @Override
  public Tensor codes() {
    return coded.codes();
  }

  @Override
  public Device device() {
    return coded.device();
  }

  @Override
  public void dequantizeInto(Tensor target) {
    coded.dequantizeInto(target);
  }

  @Override
  public Optional<Tensor> fewRows(Tensor x) {
    return coded.matvec(x);
  }

  @Override
  public FourBitWeight requantized(Tensor weight) {
    return new FourBitWeight(
        Quantized4Bit.quantize(weight, coded.type(), coded.blocksize(), coded.nested().isPresent()),
        storage);
  }

  @Override
  public Map<String, Tensor> stored() {
    Map<String, Tensor> stored = new LinkedHashMap<>();
    stored.put(
        "weight", storage == DType.U8 ? codes() : codes().view(-1).viewAs(storage).view(-1, 1));
    stored.put("weight.absmax", coded.absmax());
    float[] codeBook = coded.type().codeBook();
    stored.put("weight.quant_map", Tensor.of(codeBook, codeBook.length));
    coded
        .nested()
        .ifPresent(
            nested -> {
              stored.put("weight.nested_absmax", nested.absmax());
              stored.put("weight.nested_quant_map", nested.codeMap());
            });
    byte[] state = QuantState.of(coded).toJson();
    stored.put("weight." + QuantState.keyOf(coded.type()), Tensor.ofBytes(state, state.length));
    return stored;
  }

  @Override
  public FourBitWeight share() {
    return new FourBitWeight(coded.share(), storage);
  }

  @Override
  public void close() {
    coded.close();
  }
}
