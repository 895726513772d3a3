package io.github.lora4j.examples.cli;

import io.github.lora4j.io.hub.HubOptions;
import io.github.lora4j.io.hub.ModelHub;
import io.github.lora4j.model.LoadOptions;
import io.github.lora4j.quant.BitsAndBytesConfig;
import io.github.lora4j.quant.Bnb4BitQuantType;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** Which model, and how it is loaded. */
final class ModelOptions {

  @Option(
      names = "--model",
      required = true,
      paramLabel = "MODEL",
      description =
          "Model folder in the Hugging Face format (config.json, safetensors, tokenizer.json), or"
              + " the name of a model on the Hugging Face hub, such as org/name.")
  private String model;

  @Option(
      names = "--revision",
      paramLabel = "NAME",
      description = "Branch, tag or commit of a model from the hub. Default: main.")
  private Optional<String> revision = Optional.empty();

  private Optional<Path> folder = Optional.empty();

  @Option(
      names = "--dtype",
      paramLabel = "f32|bf16|f16",
      converter = Precision.class,
      description = "Precision of the weights. Default: the checkpoint's.")
  private Optional<DType> dtype = Optional.empty();

  @Option(
      names = "--device",
      paramLabel = "auto|cpu|cuda[:N]",
      converter = DeviceName.class,
      description = "Where to compute. Default: the first GPU if there is one, else the CPU.")
  private Optional<String> device = Optional.empty();

  @Option(
      names = "--quantization",
      paramLabel = "nf4|fp4|int8",
      converter = QuantizationKind.class,
      description =
          "Quantize the base while it is loaded: 4 bits with coded scales, computed in bf16, or"
              + " LLM.int8. Default: what the checkpoint is.")
  private Optional<BitsAndBytesConfig> quantization = Optional.empty();

  /** The model's folder; downloads it at the first call if it was named. */
  Path dir() {
    if (folder.isEmpty()) {
      HubOptions.Builder options = HubOptions.builder();
      revision.ifPresent(options::revision);
      folder = Optional.of(ModelHub.resolve(model, options.build()));
    }
    return folder.get();
  }

  /** As it was given. */
  String nameOrPath() {
    return model;
  }

  LoadOptions loadOptions() {
    LoadOptions.Builder options = LoadOptions.builder();
    dtype.ifPresent(options::dtype);
    quantization.ifPresent(options::quantization);
    device
        .filter(name -> !name.equals(DeviceName.AUTO))
        .map(DeviceName::open)
        .ifPresent(options::device);
    return options.build();
  }

  /** The floating-point types that a model can be loaded in. */
  static final class Precision implements ITypeConverter<DType> {
    @Override
    public DType convert(String value) {
      return DType.byName(value.toLowerCase(Locale.ROOT))
          .filter(dtype -> dtype.isFloatingPoint() && dtype != DType.F64)
          .orElseThrow(
              () ->
                  new TypeConversionException("expected f32, bf16 or f16, found '" + value + "'"));
    }
  }

  /** The ways to quantize that have a name of one word. */
  static final class QuantizationKind implements ITypeConverter<BitsAndBytesConfig> {
    @Override
    public BitsAndBytesConfig convert(String value) {
      return switch (value.toLowerCase(Locale.ROOT)) {
        case "nf4" -> BitsAndBytesConfig.nf4();
        case "fp4" ->
            BitsAndBytesConfig.nf4().toBuilder().bnb4BitQuantType(Bnb4BitQuantType.FP4).build();
        case "int8" -> BitsAndBytesConfig.int8();
        default ->
            throw new TypeConversionException("expected nf4, fp4 or int8, found '" + value + "'");
      };
    }
  }

  /** Checks a device's name; whether the device is there is asked later, outside of parsing. */
  static final class DeviceName implements ITypeConverter<String> {
    static final String AUTO = "auto";

    @Override
    public String convert(String value) {
      String name = value.toLowerCase(Locale.ROOT);
      if (!name.matches("auto|cpu|cuda(:[0-9]{1,3})?")) {
        throw new TypeConversionException(
            "expected auto, cpu, cuda or cuda:N, found '" + value + "'");
      }
      return name;
    }

    static Device open(String name) {
      int colon = name.indexOf(':');
      return name.equals("cpu")
          ? Device.CPU
          : Device.cuda(colon < 0 ? 0 : Integer.parseInt(name.substring(colon + 1)));
    }
  }
}
