package io.github.lora4j.quant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.within;

import io.github.lora4j.error.CheckpointFormatException;
import io.github.lora4j.model.AutoModelForCausalLM;
import io.github.lora4j.model.CausalLM;
import io.github.lora4j.model.ModelConfig;
import io.github.lora4j.nn.DenseLinear;
import io.github.lora4j.nn.LinearLayer;
import io.github.lora4j.nn.QuantizedLinear;
import io.github.lora4j.peft.LoftqWeights;
import io.github.lora4j.peft.LoraConfig;
import io.github.lora4j.peft.LoraConfigBuilder;
import io.github.lora4j.peft.PeftModel;
import io.github.lora4j.peft.QuantizedMerge;
import io.github.lora4j.peft.TargetModules;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.LinearAlgebra;
import io.github.lora4j.tensor.NativeMemory;
import io.github.lora4j.tensor.NoGrad;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LoftqWeightsTest {

  private static final int R = 4;
  private static final double SCALING = 2;

  @TempDir Path dir;

  private static LoraConfigBuilder everywhere() {
    return LoraConfig.builder().r(R).alpha(SCALING * R).targetModules(TargetModules.allLinear());
  }

  @ParameterizedTest
  @CsvSource({"llama, 4", "phi3, 4", "gpt2, 4", "llama, 8", "gpt2, 8"})
  void theUpdateIsTheNearestOfItsRankToWhatWasLost(String family, int bits) {
    Path folder = TinyModels.write(family, dir);
    BitsAndBytesConfig how = bits == 4 ? TinyModels.nf4InFloat32() : BitsAndBytesConfig.int8();
    try (CausalLM exact = AutoModelForCausalLM.fromPretrained(folder);
        CausalLM base = TinyModels.load(folder, how);
        PeftModel<CausalLM> peft = PeftModel.wrap(base, everywhere().build())) {
      LoftqWeights.replace(peft, folder);
      assertThat(peft.targetedModuleNames()).hasSizeGreaterThan(7);
      for (String module : peft.targetedModuleNames()) {
        requireNearest(weight(exact, module), weight(base, module), peft, module);
      }
    }
  }

  /** Against PEFT's {@code _loftq_init_new}: R = √S Vh, L = U √S of what was lost. */
  private static void requireNearest(
      float[] exact, float[] quantized, PeftModel<CausalLM> peft, String module) {
    try (TensorScope scope = TensorScope.open();
        NoGrad noGrad = NoGrad.open()) {
      Tensor a = peft.trainableParameters().get(module + ".lora_A.weight");
      Tensor b = peft.trainableParameters().get(module + ".lora_B.weight");
      long[] shape = {b.size(0), a.size(1)};
      Tensor lost = Tensor.of(exact, shape).add(Tensor.of(quantized, shape), -1);
      float[] singular = LinearAlgebra.svd(lost).s().toFloatArray();
      double rest = 0;
      double all = 0;
      for (int i = 0; i < singular.length; i++) {
        all += singular[i] * singular[i];
        rest += i < R ? 0 : singular[i] * singular[i];
      }
      Tensor left = lost.add(b.matmul(a).mul(SCALING), -1);
      assertThat(length(left)).as(module).isCloseTo(Math.sqrt(rest), within(1e-5 * all));
      assertThat(length(left)).as(module).isLessThan(0.99 * Math.sqrt(all));
      // The singular values are shared evenly between both.
      float[] rows = LinearAlgebra.norm(a, 1).square().toFloatArray();
      float[] columns = LinearAlgebra.norm(b, 0).square().toFloatArray();
      for (int i = 0; i < R; i++) {
        double share = singular[i] / SCALING;
        assertThat((double) rows[i]).as(module).isCloseTo(share, within(1e-4 * share));
        assertThat((double) columns[i]).as(module).isCloseTo(share, within(1e-4 * share));
      }
    }
  }

  @Test
  void theModelComesNearerToTheUnquantizedOneAndIsSavedAsPlainLora() {
    Path folder = TinyModels.write("llama", dir.resolve("base"));
    LoraConfig config = everywhere().r(32).alpha(16).dropout(0.1).build();
    try (CausalLM exact = AutoModelForCausalLM.fromPretrained(folder);
        CausalLM base = TinyModels.load(folder, TinyModels.nf4InFloat32());
        PeftModel<CausalLM> peft = PeftModel.wrap(base, config, "mine")) {
      Map<String, Tensor> before = peft.trainableParameters();
      long handles = NativeMemory.liveHandles();
      LoftqWeights.replace(peft, folder, "mine");
      assertThat(NativeMemory.liveHandles()).isEqualTo(handles);
      peft.trainableParameters().forEach((name, p) -> assertThat(p).isSameAs(before.get(name)));
      float[] wanted = TinyModels.logits(exact);
      float[] begun = TinyModels.logits(peft.model());
      assertThat(Shared.difference(begun, wanted))
          .isLessThan(0.6 * Shared.difference(TinyModels.logits(base), wanted));
      peft.savePretrained(dir.resolve("adapter"));
      try (PeftModel<CausalLM> again =
          PeftModel.fromPretrained(base, dir.resolve("adapter").resolve("mine"))) {
        assertThat(again.config().initLoraWeights().value()).isEqualTo(true);
        assertThat(TinyModels.logits(again.model())).isEqualTo(begun);
      }
    }
  }

  @Test
  void magnitudesBeginAnewWithTheMatrices() {
    Path folder = TinyModels.write("llama", dir);
    try (CausalLM base = TinyModels.load(folder, TinyModels.nf4InFloat32());
        PeftModel<CausalLM> plain = PeftModel.wrap(base, everywhere().build());
        PeftModel<CausalLM> dora = PeftModel.wrap(base, everywhere().useDora(true).build())) {
      float[] fresh = TinyModels.logits(dora.model());
      LoftqWeights.replace(plain, folder);
      LoftqWeights.replace(dora, folder);
      float[] expected = TinyModels.logits(plain.model());
      assertThat(Shared.difference(fresh, expected)).isGreaterThan(0.001);
      assertThat(Shared.difference(TinyModels.logits(dora.model()), expected)).isLessThan(1e-5);
    }
  }

  @Test
  void repeatedLayersHaveTheWeightsOfTheLayersThatTheyRepeat() {
    Path folder = TinyModels.write("llama", dir);
    LoraConfig config = everywhere().layerReplication(new int[] {0, 2}, new int[] {0, 2}).build();
    try (CausalLM exact = AutoModelForCausalLM.fromPretrained(folder);
        CausalLM base = TinyModels.load(folder, TinyModels.nf4InFloat32());
        PeftModel<CausalLM> peft = PeftModel.wrap(base, config)) {
      LoftqWeights.replace(peft, folder);
      for (int place = 0; place < 4; place++) {
        String module = "model.layers.%d.self_attn.q_proj".formatted(place);
        String origin = "model.layers.%d.self_attn.q_proj".formatted(place % 2);
        requireNearest(weight(exact, origin), weight(base, origin), peft, module);
      }
      try (CausalLM merged = peft.mergeAndUnload(QuantizedMerge.dequantize())) {
        assertThat(Shared.difference(TinyModels.logits(merged), TinyModels.logits(peft.model())))
            .isLessThan(1e-5);
      }
    }
  }

  @Test
  void aBaseThatIsNotQuantizedHasLostNothing() {
    Path folder = TinyModels.write("llama", dir);
    try (CausalLM base = AutoModelForCausalLM.fromPretrained(folder);
        PeftModel<CausalLM> peft = PeftModel.wrap(base, everywhere().build())) {
      assertThatIllegalStateException()
          .isThrownBy(() -> LoftqWeights.replace(peft, folder))
          .withMessageContaining("LoadOptions.quantization(BitsAndBytesConfig.nf4())");
    }
  }

  @Test
  void adaptersThatItCannotBeginAreRefused() {
    Path folder = TinyModels.write("llama", dir);
    try (CausalLM base = TinyModels.load(folder, TinyModels.nf4InFloat32());
        PeftModel<CausalLM> peft =
            PeftModel.wrap(base, everywhere().initLoraWeights("olora").build());
        PeftModel<CausalLM> high = PeftModel.wrap(base, everywhere().r(65).build())) {
      assertThatIllegalStateException()
          .isThrownBy(() -> LoftqWeights.replace(peft, folder))
          .withMessageContaining("olora");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> LoftqWeights.replace(peft, folder, "other"))
          .withMessageContaining("\"other\"");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> LoftqWeights.replace(high, folder))
          .withMessageContaining("65");
    }
  }

  @Test
  void foldersThatDoNotFitAreNamedAndNothingChanges() {
    Path folder = TinyModels.write("llama", dir.resolve("base"));
    try (CausalLM base = TinyModels.load(folder, TinyModels.nf4InFloat32());
        PeftModel<CausalLM> peft = PeftModel.wrap(base, everywhere().build())) {
      float[] before = TinyModels.logits(peft.model());
      refuses(peft, TinyModels.write("gpt2", dir.resolve("gpt2")))
          .withMessageContaining("gpt2")
          .withMessageContaining("model.layers.0.self_attn.q_proj.weight");

      Path wide = write("wide", "\"intermediate_size\": 96", "\"intermediate_size\": 128", 3);
      refuses(peft, wide)
          .withMessageContaining("model.safetensors")
          .withMessageContaining("model.layers.0.mlp.gate_proj.weight")
          .withMessageContaining("[96, 64]")
          .withMessageContaining("[128, 64]");

      base.savePretrained(dir.resolve("quantized"));
      refuses(peft, dir.resolve("quantized"))
          .withMessageContaining("found U8")
          .withMessageContaining("unquantized");

      refuses(peft, write("other", "", "", 4))
          .withMessageContaining("not what the base was quantized from");
      assertThat(TinyModels.logits(peft.model())).isEqualTo(before);
    }
  }

  private static org.assertj.core.api.ThrowableAssertAlternative<CheckpointFormatException> refuses(
      PeftModel<CausalLM> peft, Path folder) {
    return assertThatExceptionOfType(CheckpointFormatException.class)
        .isThrownBy(() -> LoftqWeights.replace(peft, folder));
  }

  private Path write(String name, String part, String instead, long seed) {
    String json = TinyModels.config("llama").toJson().replace(" ", "");
    String changed = json.replace(part.replace(" ", ""), instead.replace(" ", ""));
    Path folder = dir.resolve(name);
    try (CausalLM model =
        AutoModelForCausalLM.fromConfig(ModelConfig.of(changed, name), seed, Device.CPU)) {
      model.savePretrained(folder);
    }
    return folder;
  }

  private static double length(Tensor matrix) {
    return LinearAlgebra.norm(LinearAlgebra.norm(matrix, 1), 0).item();
  }

  private static float[] weight(CausalLM model, String module) {
    Map<String, LinearLayer> layers = new LinkedHashMap<>();
    model.linearLayers().forEach(layer -> layers.put(layer.name(), layer));
    try (TensorScope scope = TensorScope.open()) {
      return layers.get(module) instanceof QuantizedLinear few
          ? few.denseWeight(DType.F32).toFloatArray()
          : ((DenseLinear) layers.get(module)).weight().contiguous().toFloatArray();
    }
  }
}
