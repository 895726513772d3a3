package io.github.lora4j.quant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.within;

import io.github.lora4j.error.LoraException;
import io.github.lora4j.model.AutoModelForCausalLM;
import io.github.lora4j.model.CausalLM;
import io.github.lora4j.model.LoadOptions;
import io.github.lora4j.peft.LoftQConfig;
import io.github.lora4j.peft.LoftqWeights;
import io.github.lora4j.peft.LoraConfig;
import io.github.lora4j.peft.LoraConfigBuilder;
import io.github.lora4j.peft.PeftModel;
import io.github.lora4j.peft.QuantizedMerge;
import io.github.lora4j.peft.TargetModules;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.NativeMemory;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Every way to begin, on a base in 4 and in 8 bits. */
class QuantizedBeginningsTest {

  @TempDir Path dir;

  private static BitsAndBytesConfig bits(int bits) {
    return bits == 4 ? TinyModels.nf4InFloat32() : BitsAndBytesConfig.int8();
  }

  private static LoraConfigBuilder everywhere(String init) {
    return LoraConfig.builder()
        .r(4)
        .alpha(8)
        .initLoraWeights(init)
        .loftqConfig(LoftQConfig.DEFAULT)
        .targetModules(TargetModules.allLinear());
  }

  @ParameterizedTest
  @ValueSource(ints = {4, 8})
  void oloraTakesItsPartOutAndQuantizesTheRestAsInPeft(int bits) {
    LoraConfig config =
        LoraConfig.builder()
            .r(4)
            .alpha(4)
            .initLoraWeights("olora")
            .targetModules("q_proj", "down_proj")
            .build();
    BitsAndBytesConfig how =
        bits == 4 ? bits(4).toBuilder().bnb4BitUseDoubleQuant(false).build() : bits(8);
    LoadOptions options = LoadOptions.builder().dtype(DType.BF16).quantization(how).build();
    String name = "olora." + (bits == 4 ? "nf4" : "int8");
    try (LoftqFixture peftSaw = new LoftqFixture();
        CausalLM base = AutoModelForCausalLM.fromPretrained(LoftqFixture.folder("base"), options);
        PeftModel<CausalLM> peft = PeftModel.wrap(base, config);
        CausalLM rest = peft.unload()) {
      for (String module : LoftqFixture.MODULES) {
        peftSaw.requireSameProduct(name, module, peft, 1);
        peftSaw.requireSameWeight(name, module, rest);
      }
    }
  }

  @Test
  void loftqReplacesWeightsAsInPeft() {
    LoraConfig config =
        LoraConfig.builder().r(4).alpha(4).targetModules("q_proj", "down_proj").build();
    BitsAndBytesConfig how = bits(4).toBuilder().bnb4BitUseDoubleQuant(false).build();
    LoadOptions options = LoadOptions.builder().dtype(DType.BF16).quantization(how).build();
    try (LoftqFixture peftSaw = new LoftqFixture();
        CausalLM base = AutoModelForCausalLM.fromPretrained(LoftqFixture.folder("base"), options);
        PeftModel<CausalLM> peft = PeftModel.wrap(base, config)) {
      LoftqWeights.replace(peft, LoftqFixture.folder("base"));
      for (String module : LoftqFixture.MODULES) {
        peftSaw.requireSameProduct("replace.nf4", module, peft, 1);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"llama, 4", "llama, 8", "gpt2, 4", "gpt2, 8"})
  void oloraIsSavedMergedAndUnloaded(String family, int bits) {
    Path folder = TinyModels.write(family, dir.resolve("base"));
    try (CausalLM base = TinyModels.load(folder, bits(bits))) {
      float[] untouched = TinyModels.logits(base);
      long handles = NativeMemory.liveHandles();
      try (PeftModel<CausalLM> peft = PeftModel.wrap(base, everywhere("olora").build())) {
        float[] begun = TinyModels.logits(peft.model());
        // Only what quantizing the rest loses, which is little in 8 bits.
        double lost = Shared.difference(begun, untouched);
        assertThat(lost).isGreaterThan(0).isLessThan(bits == 4 ? 1 : 0.1);

        peft.savePretrained(dir.resolve("adapter"));
        try (PeftModel<CausalLM> again = PeftModel.fromPretrained(base, dir.resolve("adapter"))) {
          assertThat(TinyModels.logits(again.model())).isEqualTo(begun);
        }
        try (CausalLM merged = peft.mergeAndUnload(QuantizedMerge.dequantize())) {
          assertThat(Shared.difference(TinyModels.logits(merged), begun)).isLessThan(1e-5);
        }
        try (CausalLM rest = peft.unload()) {
          rest.savePretrained(dir.resolve("rest"));
        }
        peft.saveForUnloaded(dir.resolve("plain"));
        assertThatExceptionOfType(LoraException.class)
            .isThrownBy(() -> peft.savePlainLora(dir.resolve("none")))
            .withMessageContaining("olora");
        try (CausalLM rest = LoftqFixture.load(dir.resolve("rest"), DType.F32);
            PeftModel<CausalLM> on = PeftModel.fromPretrained(rest, dir.resolve("plain"))) {
          assertThat(Shared.difference(TinyModels.logits(on.model()), begun)).isLessThan(1e-5);
        }
        assertThat(TinyModels.logits(base)).isEqualTo(untouched);
      }
      assertThat(NativeMemory.liveHandles()).isEqualTo(handles);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "pissa, 4",
    "pissa, 8",
    "pissa_niter_2, 4",
    "pissa_niter_2, 8",
    "loftq, 4",
    "loftq, 8"
  })
  void whatNeedsTheUnquantizedWeightIsRefused(String init, int bits) {
    Path folder = TinyModels.write("llama", dir.resolve("base"));
    try (CausalLM dense = AutoModelForCausalLM.fromPretrained(folder);
        PeftModel<CausalLM> begun = PeftModel.wrap(dense, everywhere(init).build());
        CausalLM base = TinyModels.load(folder, bits(bits))) {
      begun.savePretrained(dir.resolve("adapter"));
      long handles = NativeMemory.liveHandles();
      assertThatExceptionOfType(LoraException.class)
          .isThrownBy(() -> PeftModel.wrap(base, everywhere(init).build()))
          .withMessageContaining("model.layers.0.self_attn.q_proj")
          .withMessageContaining("\"" + init + "\"")
          .withMessageContaining("LoftqWeights.replace");
      assertThatExceptionOfType(LoraException.class)
          .isThrownBy(() -> PeftModel.fromPretrained(base, dir.resolve("adapter")))
          .withMessageContaining("\"" + init + "\"");
      assertThat(NativeMemory.liveHandles()).isEqualTo(handles);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {4, 8})
  void whatPissaLeavesOfADenseBaseIsQuantizedAfterwards(int bits) {
    Path folder = TinyModels.write("llama", dir.resolve("base"));
    float[] exact;
    try (CausalLM dense = AutoModelForCausalLM.fromPretrained(folder);
        PeftModel<CausalLM> peft = PeftModel.wrap(dense, everywhere("pissa").r(24).build());
        CausalLM rest = peft.unload()) {
      exact = TinyModels.logits(dense);
      rest.savePretrained(dir.resolve("rest"));
      peft.saveForUnloaded(dir.resolve("adapter"));
    }
    try (CausalLM few = TinyModels.load(dir.resolve("rest"), bits(bits));
        PeftModel<CausalLM> peft = PeftModel.fromPretrained(few, dir.resolve("adapter"));
        CausalLM plain = TinyModels.load(folder, bits(bits))) {
      // QPiSSA: the rest is small, so that quantizing loses less of it.
      assertThat(Shared.difference(TinyModels.logits(peft.model()), exact))
          .isLessThan(Shared.difference(TinyModels.logits(plain), exact));
    }
  }

  @ParameterizedTest
  @CsvSource({"true, 4", "true, 8", "gaussian, 4", "orthogonal, 4", "orthogonal, 8"})
  void whatLeavesTheWeightAloneBeginsAtTheBase(String init, int bits) {
    Path folder = TinyModels.write("llama", dir);
    LoraConfigBuilder config =
        init.equals("true") ? everywhere("gaussian").initLoraWeights(true) : everywhere(init);
    try (CausalLM base = TinyModels.load(folder, bits(bits));
        PeftModel<CausalLM> peft = PeftModel.wrap(base, config.build());
        CausalLM same = peft.unload()) {
      float[] untouched = TinyModels.logits(base);
      assertThat(Shared.difference(TinyModels.logits(peft.model()), untouched))
          .isCloseTo(0, within(init.equals("orthogonal") ? 1e-5 : 0));
      assertThat(TinyModels.logits(same)).isEqualTo(untouched);
    }
  }
}
