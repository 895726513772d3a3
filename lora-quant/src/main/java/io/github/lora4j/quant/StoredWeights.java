package io.github.lora4j.quant;

import io.github.lora4j.error.CheckpointFormatException;
import io.github.lora4j.internal.quant.Int8Rows;
import io.github.lora4j.internal.quant.Quantized4Bit;
import io.github.lora4j.io.Checkpoint;
import io.github.lora4j.model.LinearShape;
import io.github.lora4j.model.Quantization.StoredTensor;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/** Quantized weights as checkpoints hold them. */
final class StoredWeights {

  private static final List<String> PARTS =
      List.of(".absmax", ".quant_map", ".nested_absmax", ".nested_quant_map");

  /** What {@code bnb_4bit_quant_storage} can be. */
  private static final Set<DType> STORAGE =
      EnumSet.of(DType.U8, DType.I8, DType.BF16, DType.F16, DType.F32, DType.F64);

  private final Checkpoint checkpoint;
  private final LinearShape layer;
  private final String weight;

  private StoredWeights(LinearShape layer, Checkpoint checkpoint, String weight) {
    this.layer = layer;
    this.checkpoint = checkpoint;
    this.weight = weight;
  }

  /**
   * The tensors of a quantized weight; empty where it is dense.
   *
   * @param usual the type to name where the tensor that tells it is missing
   */
  static Optional<Map<String, StoredTensor>> tensors(
      LinearShape layer, Checkpoint checkpoint, String weight, Bnb4BitQuantType usual) {
    return new StoredWeights(layer, checkpoint, weight).tensors(usual);
  }

  /** Loads a weight whose tensors were found to be there. */
  static QuantizedWeight load(
      LinearShape layer, Checkpoint checkpoint, String weight, Device device) {
    return new StoredWeights(layer, checkpoint, weight).load(device);
  }

  // ---- what there has to be

  private Optional<Map<String, StoredTensor>> tensors(Bnb4BitQuantType usual) {
    if (has(weight) && checkpoint.info(weight).dtype() == DType.I8 && !hasParts() || has(scb())) {
      return Optional.of(eightBit());
    }
    Optional<QuantState> state = QuantState.find(checkpoint, weight);
    if (state.isPresent()) {
      return Optional.of(fourBit(state.get()));
    }
    boolean coded = has(weight) && !checkpoint.info(weight).dtype().isFloatingPoint();
    return coded || hasParts() ? Optional.of(withoutState(usual)) : Optional.empty();
  }

  private boolean hasParts() {
    return PARTS.stream().anyMatch(part -> has(weight + part))
        || Arrays.stream(Bnb4BitQuantType.values())
            .anyMatch(type -> has(weight + "." + QuantState.keyOf(type.kernel())));
  }

  private Map<String, StoredTensor> eightBit() {
    Map<String, StoredTensor> tensors = new LinkedHashMap<>();
    tensors.put(weight, of(DType.I8, layer.outFeatures(), layer.inFeatures()));
    tensors.put(scb(), of(DType.F32, layer.outFeatures()));
    if (has(format())) {
      tensors.put(format(), new StoredTensor(List.of(), Set.of(DType.U8)));
    }
    return tensors;
  }

  private Map<String, StoredTensor> fourBit(QuantState state) {
    requireShape(state);
    long elements = (long) layer.outFeatures() * layer.inFeatures();
    long bytes = (elements + 1) / 2;
    long blocks = (elements + state.blocksize() - 1) / state.blocksize();
    DType storage = storage();
    Map<String, StoredTensor> tensors = new LinkedHashMap<>();
    tensors.put(
        weight,
        bytes % storage.byteSize() == 0
            ? of(storage, bytes / storage.byteSize(), 1)
            : of(DType.U8, bytes, 1));
    tensors.put(weight + ".absmax", of(state.nested().isPresent() ? DType.U8 : DType.F32, blocks));
    tensors.put(weight + ".quant_map", of(DType.F32, 16));
    state
        .nested()
        .ifPresent(
            nested -> {
              long scales = (blocks + nested.blocksize() - 1) / nested.blocksize();
              tensors.put(weight + ".nested_absmax", of(DType.F32, scales));
              tensors.put(weight + ".nested_quant_map", of(DType.F32, 256));
            });
    String json = weight + "." + QuantState.keyOf(state.type());
    tensors.put(json, asFound(json));
    return tensors;
  }

  /** How the codes lie in the file; bytes where it has another dtype than there can be. */
  private DType storage() {
    DType found = has(weight) ? checkpoint.info(weight).dtype() : DType.U8;
    return STORAGE.contains(found) ? found : DType.U8;
  }

  /** Codes without what tells how to read them. */
  private Map<String, StoredTensor> withoutState(Bnb4BitQuantType usual) {
    Map<String, StoredTensor> tensors = new LinkedHashMap<>();
    Stream.concat(Stream.of(weight), PARTS.stream().map(part -> weight + part))
        .filter(this::has)
        .forEach(name -> tensors.put(name, asFound(name)));
    tensors.put(weight + "." + QuantState.keyOf(usual.kernel()), of(DType.U8, 0));
    return tensors;
  }

  private void requireShape(QuantState state) {
    long[] expected = {layer.outFeatures(), layer.inFeatures()};
    if (!Arrays.equals(state.shape(), expected)) {
      throw new CheckpointFormatException(
          "%s: the quant_state of %s is of a matrix %s, and config.json describes %s"
              .formatted(
                  checkpoint.folder(),
                  weight,
                  Arrays.toString(state.shape()),
                  Arrays.toString(expected)));
    }
  }

  private StoredTensor asFound(String name) {
    return new StoredTensor(checkpoint.info(name).shape(), Set.of(checkpoint.info(name).dtype()));
  }

  private static StoredTensor of(DType dtype, long... shape) {
    return new StoredTensor(Arrays.stream(shape).boxed().toList(), Set.of(dtype));
  }

  // ---- loading

  private QuantizedWeight load(Device device) {
    try (TensorScope scope = TensorScope.open()) {
      QuantizedWeight loaded = has(scb()) ? loadEightBit(device) : loadFourBit(device);
      if (!device.equals(Device.CPU)) {
        checkpoint.drop(weight); // the codes are there now
      }
      return loaded;
    } catch (IllegalArgumentException e) {
      throw new CheckpointFormatException(
          checkpoint.folder() + ": " + weight + ": " + e.getMessage(), e);
    }
  }

  private EightBitWeight loadEightBit(Device device) {
    if (has(format()) && checkpoint.tensor(format()).item() != EightBitWeight.ROW_FORMAT) {
      throw new CheckpointFormatException(
          "%s: %s: expected 0, codes that lie row by row, found %.0f; save the model again with"
                  .formatted(checkpoint.folder(), format(), checkpoint.tensor(format()).item())
              + " a bitsandbytes of at least 0.45");
    }
    Tensor scales = finite(scb());
    return new EightBitWeight(
        Int8Rows.of(on(device, checkpoint.tensor(weight)), on(device, scales)));
  }

  private FourBitWeight loadFourBit(Device device) {
    QuantState state = QuantState.find(checkpoint, weight).orElseThrow();
    requireCodeBook(state);
    Tensor codes = checkpoint.tensor(weight);
    DType storage = codes.dtype();
    Tensor bytes = storage == DType.U8 ? codes : codes.view(-1).viewAs(DType.U8).view(-1, 1);
    Optional<Quantized4Bit.Nested> nested =
        state
            .nested()
            .map(
                n ->
                    new Quantized4Bit.Nested(
                        on(device, finite(weight + ".nested_absmax")),
                        on(device, finite(weight + ".nested_quant_map")),
                        n.offset(),
                        n.blocksize()));
    Tensor absmax =
        nested.isPresent() ? checkpoint.tensor(weight + ".absmax") : finite(weight + ".absmax");
    return new FourBitWeight(
        Quantized4Bit.of(
            on(device, bytes),
            state.shape(),
            state.dtype(),
            state.type(),
            state.blocksize(),
            on(device, absmax),
            nested),
        storage);
  }

  private void requireCodeBook(QuantState state) {
    float[] found = checkpoint.tensor(weight + ".quant_map").toFloatArray();
    float[] known = state.type().codeBook();
    for (int i = 0; i < known.length; i++) {
      if (!(Math.abs(found[i] - known[i]) < 1e-6f)) {
        throw new CheckpointFormatException(
            "%s: %s.quant_map: expected the values of %s, found %s at %d instead of %s"
                .formatted(
                    checkpoint.folder(), weight, state.type().bnbName(), found[i], i, known[i]));
      }
    }
  }

  private Tensor finite(String name) {
    Tensor tensor = checkpoint.tensor(name);
    if (!tensor.isFinite().all()) {
      throw new CheckpointFormatException(
          checkpoint.fileOf(name) + ": " + name + " holds NaN or infinite numbers");
    }
    return tensor;
  }

  private static Tensor on(Device device, Tensor tensor) {
    return TensorScope.keep(tensor.to(device));
  }

  private boolean has(String name) {
    return checkpoint.names().contains(name);
  }

  private String scb() {
    return module() + "SCB";
  }

  private String format() {
    return module() + "weight_format";
  }

  private String module() {
    return weight.substring(0, weight.length() - "weight".length());
  }
}
