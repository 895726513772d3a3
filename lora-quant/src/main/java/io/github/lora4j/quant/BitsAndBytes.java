package io.github.lora4j.quant;

import io.github.lora4j.model.ModelConfig;
import io.github.lora4j.model.Quantization;
import io.github.lora4j.model.QuantizationProvider;
import io.github.lora4j.tensor.DType;
import java.util.Optional;

/** Reads bitsandbytes' {@code quantization_config}; {@link java.util.ServiceLoader} finds it. */
public final class BitsAndBytes implements QuantizationProvider {

  private static final String FOUR = "load_in_4bit";
  private static final String EIGHT = "load_in_8bit";
  private static final String TYPE = "bnb_4bit_quant_type";
  private static final String COMPUTE = "bnb_4bit_compute_dtype";
  private static final String STORAGE = "bnb_4bit_quant_storage";
  private static final String SKIP = "llm_int8_skip_modules";
  private static final String FP16 = "llm_int8_has_fp16_weight";

  /** For the service loader. */
  public BitsAndBytes() {}

  @Override
  public Optional<Quantization> read(ModelConfig section) {
    boolean four = section.flag(FOUR, section.flag("_" + FOUR, false));
    boolean eight = section.flag(EIGHT, section.flag("_" + EIGHT, false));
    String method = section.string("quant_method", four || eight ? "bitsandbytes" : "");
    if (!method.equals("bitsandbytes")) {
      return Optional.empty();
    }
    if (four == eight) {
      throw section.wrong(FOUR, "either this or " + EIGHT + " to be true");
    }
    if (section.flag(FP16, false)) {
      throw section.wrong(FP16, "false, since 16-bit weights beside 8-bit ones can't be loaded");
    }
    BitsAndBytesConfig.Builder builder =
        BitsAndBytesConfig.builder()
            .loadIn4Bit(four)
            .loadIn8Bit(eight)
            .bnb4BitQuantType(type(section))
            .bnb4BitUseDoubleQuant(section.flag("bnb_4bit_use_double_quant", false))
            .bnb4BitComputeDtype(computeDType(section))
            .bnb4BitQuantStorage(storage(section))
            .llmInt8Threshold(section.number("llm_int8_threshold", 6));
    if (section.has(SKIP)) {
      builder.llmInt8SkipModules(section.strings(SKIP));
    }
    return Optional.of(build(builder, section));
  }

  private static BitsAndBytesConfig build(BitsAndBytesConfig.Builder builder, ModelConfig section) {
    try {
      return builder.build();
    } catch (IllegalArgumentException e) {
      throw section.wrong(SKIP, "names of modules (" + e.getMessage() + ")");
    }
  }

  private static Bnb4BitQuantType type(ModelConfig section) {
    String name = section.string(TYPE, Bnb4BitQuantType.FP4.configName());
    for (Bnb4BitQuantType type : Bnb4BitQuantType.values()) {
      if (type.configName().equals(name)) {
        return type;
      }
    }
    throw section.wrong(TYPE, "nf4 or fp4");
  }

  private static DType storage(ModelConfig section) {
    return DType.byName(section.string(STORAGE, "uint8"))
        .filter(StoredWeights.STORAGE::contains)
        .orElseThrow(
            () -> section.wrong(STORAGE, "uint8, int8, float16, bfloat16, float32 or float64"));
  }

  private static DType computeDType(ModelConfig section) {
    return DType.byName(section.string(COMPUTE, "float32"))
        .filter(d -> d == DType.F32 || d == DType.BF16 || d == DType.F16)
        .orElseThrow(() -> section.wrong(COMPUTE, "float32, bfloat16 or float16"));
  }
}
