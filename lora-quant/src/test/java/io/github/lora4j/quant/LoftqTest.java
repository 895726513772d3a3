package io.github.lora4j.quant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.github.lora4j.error.AdapterMismatchException;
import io.github.lora4j.error.LoraException;
import io.github.lora4j.io.SafeTensors;
import io.github.lora4j.model.AutoModelForCausalLM;
import io.github.lora4j.model.CausalLM;
import io.github.lora4j.nn.ForwardContext;
import io.github.lora4j.peft.InitLoraWeights;
import io.github.lora4j.peft.LoftQConfig;
import io.github.lora4j.peft.LoraConfig;
import io.github.lora4j.peft.LoraConfigBuilder;
import io.github.lora4j.peft.PeftModel;
import io.github.lora4j.peft.TargetModules;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Generator;
import io.github.lora4j.tensor.NativeMemory;
import io.github.lora4j.tensor.NoGrad;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** LoftQ on a dense base, beside what make_loftq_fixtures.py saw PEFT compute. */
class LoftqTest {

  private static final double NEAR = 1e-4;

  @TempDir Path dir;

  private static LoraConfigBuilder loftq(int bits, int rounds) {
    return LoraConfig.builder()
        .initLoraWeights(InitLoraWeights.LOFTQ)
        .loftqConfig(new LoftQConfig(bits, rounds));
  }

  private static LoraConfigBuilder everywhere(int bits, int rounds) {
    return loftq(bits, rounds).r(4).alpha(4).targetModules(TargetModules.allLinear());
  }

  @ParameterizedTest
  @CsvSource({"4, 1", "4, 5", "8, 1", "8, 5"})
  void weightsAndFactorsArePefts(int bits, int rounds) {
    LoraConfig config =
        loftq(bits, rounds).r(4).alpha(4).targetModules("q_proj", "down_proj").build();
    String name = (bits == 4 ? "nf4." : "int8.") + rounds;
    try (LoftqFixture peftSaw = new LoftqFixture();
        CausalLM base = LoftqFixture.base();
        PeftModel<CausalLM> peft = PeftModel.wrap(base, config);
        CausalLM rounded = peft.unload()) {
      for (String module : LoftqFixture.MODULES) {
        peftSaw.requireSameProduct(name, module, peft, 1);
        peftSaw.requireSameWeight(name, module, rounded);
      }
      assertThat(Shared.difference(LoftqFixture.logits(peft.model()), peftSaw.logits(name)))
          .isLessThan(NEAR);
      try (CausalLM merged = peft.mergeAndUnload()) {
        assertThat(Shared.difference(LoftqFixture.logits(merged), peftSaw.logits(name)))
            .isLessThan(NEAR);
      }
    }
  }

  @Test
  void anAdapterOfPeftsLoadsAndIsSavedTheSame() throws IOException {
    Path folder = LoftqFixture.folder("adapter");
    try (LoftqFixture peftSaw = new LoftqFixture();
        CausalLM base = LoftqFixture.base();
        PeftModel<CausalLM> peft = PeftModel.fromPretrained(base, folder)) {
      float[] untouched = LoftqFixture.logits(base);
      assertThat(Shared.difference(LoftqFixture.logits(peft.model()), peftSaw.logits("adapter")))
          .isLessThan(NEAR);
      peft.savePretrained(dir);
      try (SafeTensors ours = SafeTensors.open(dir.resolve("adapter_model.safetensors"));
          SafeTensors theirs = SafeTensors.open(folder.resolve("adapter_model.safetensors"));
          TensorScope scope = TensorScope.open()) {
        assertThat(ours.names()).isEqualTo(theirs.names());
        for (String name : ours.names()) {
          assertThat(ours.tensor(name).equal(theirs.tensor(name))).as(name).isTrue();
        }
      }
      assertThat(lines(dir)).isEqualTo(lines(folder));
      // Unlike PEFT's, the base goes on as it was, for other adapters, too.
      assertThat(LoftqFixture.logits(base)).isEqualTo(untouched);
      try (var off = peft.disableAdapter()) {
        assertThat(LoftqFixture.logits(peft.model())).isEqualTo(untouched);
      }
    }
  }

  /** The configuration's lines, in any order, but for the name of the base. */
  private static List<String> lines(Path folder) throws IOException {
    return Files.readAllLines(folder.resolve("adapter_config.json")).stream()
        .filter(line -> !line.contains("base_model_name_or_path"))
        .map(line -> line.replaceFirst(",$", ""))
        .sorted()
        .toList();
  }

  @Test
  void theScalingIsDividedOutAndTheRoundedWeightDoesNotDependOnIt() {
    LoraConfig config = loftq(4, 5).r(4).alpha(12).targetModules("q_proj", "down_proj").build();
    try (LoftqFixture peftSaw = new LoftqFixture();
        CausalLM base = LoftqFixture.base();
        PeftModel<CausalLM> peft = PeftModel.wrap(base, config);
        CausalLM rounded = peft.unload()) {
      for (String module : LoftqFixture.MODULES) {
        peftSaw.requireSameProduct("nf4.5", module, peft, 3);
        peftSaw.requireSameWeight("nf4.5", module, rounded);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"llama, 4", "phi3, 8", "gpt2, 4", "gemma2, 4"})
  void moreRoundsComeNearerToTheBase(String family, int bits) {
    Path folder = TinyModels.write(family, dir);
    try (CausalLM base = AutoModelForCausalLM.fromPretrained(folder);
        PeftModel<CausalLM> once = PeftModel.wrap(base, everywhere(bits, 1).r(16).build());
        PeftModel<CausalLM> often = PeftModel.wrap(base, everywhere(bits, 4).r(16).build());
        CausalLM rounded = once.unload();
        CausalLM first = once.mergeAndUnload();
        CausalLM last = often.mergeAndUnload()) {
      assertThat(once.targetedModuleNames()).hasSizeGreaterThan(7);
      double byRounding = 0;
      double afterOne = 0;
      double afterFour = 0;
      for (String module : once.targetedModuleNames()) {
        float[] exact = LoftqFixture.weight(base, module);
        byRounding += distance(LoftqFixture.weight(rounded, module), exact);
        afterOne += distance(LoftqFixture.weight(first, module), exact);
        afterFour += distance(LoftqFixture.weight(last, module), exact);
      }
      assertThat(afterOne).isLessThan(0.7 * byRounding);
      assertThat(afterFour).isLessThan(0.99 * afterOne);
    }
  }

  private static double distance(float[] found, float[] exact) {
    double sum = 0;
    for (int i = 0; i < exact.length; i++) {
      sum += Math.pow(found[i] - exact[i], 2);
    }
    return sum;
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void theRoundedBaseAndThePlainAdapterGoTogetherInFourBitsToo(boolean dora) {
    Path folder = TinyModels.write("gpt2", dir.resolve("base"));
    LoraConfig config = everywhere(4, 3).useDora(dora).build();
    float[] begun;
    try (CausalLM base = AutoModelForCausalLM.fromPretrained(folder);
        PeftModel<CausalLM> peft = PeftModel.wrap(base, config);
        CausalLM rounded = peft.unload()) {
      begun = TinyModels.logits(peft.model());
      rounded.savePretrained(dir.resolve("rounded"));
      peft.saveForUnloaded(dir.resolve("adapter"));
      assertThatExceptionOfType(LoraException.class)
          .isThrownBy(() -> peft.savePlainLora(dir.resolve("plain")))
          .withMessageContaining("saveForUnloaded");
    }
    BitsAndBytesConfig plainScales =
        TinyModels.nf4InFloat32().toBuilder().bnb4BitUseDoubleQuant(false).build();
    try (CausalLM dense = AutoModelForCausalLM.fromPretrained(dir.resolve("rounded"));
        CausalLM few = TinyModels.load(dir.resolve("rounded"), plainScales);
        PeftModel<CausalLM> onDense = PeftModel.fromPretrained(dense, dir.resolve("adapter"));
        PeftModel<CausalLM> onFew = PeftModel.fromPretrained(few, dir.resolve("adapter"))) {
      assertThat(onDense.config().initLoraWeights()).isEqualTo(InitLoraWeights.KAIMING);
      assertThat(Shared.difference(TinyModels.logits(onDense.model()), begun)).isLessThan(1e-5);
      assertThat(Shared.difference(TinyModels.logits(onFew.model()), begun)).isLessThan(1e-5);
    }
  }

  @Test
  void aTiedHeadIsRoundedWithoutTheTable() {
    Path folder = TinyModels.write("gemma2", dir.resolve("base"));
    LoraConfig config = loftq(4, 1).r(4).alpha(4).targetModules("lm_head").build();
    try (CausalLM base = AutoModelForCausalLM.fromPretrained(folder);
        PeftModel<CausalLM> peft = PeftModel.wrap(base, config);
        PeftModel<CausalLM> plain =
            PeftModel.wrap(base, config.toBuilder().initLoraWeights(true).build())) {
      assertThat(TinyModels.logits(plain.model())).isEqualTo(TinyModels.logits(base));
      peft.setScale("default", 0);
      plain.setScale("default", 0);
      // Only the last product differs, by the rounding of 4 bits.
      assertThat(
              Shared.difference(TinyModels.logits(peft.model()), TinyModels.logits(plain.model())))
          .isBetween(0.001, 0.2);
      try (CausalLM rounded = peft.unload()) {
        assertThat(TinyModels.logits(rounded)).isEqualTo(TinyModels.logits(peft.model()));
      }
    }
  }

  @Test
  void whatIsUnloadedHasTheLayersThatTheAdapterRepeated() {
    Path folder = TinyModels.write("llama", dir.resolve("base"));
    LoraConfig config =
        everywhere(4, 2).layerReplication(new int[] {0, 2}, new int[] {1, 2}).build();
    try (CausalLM base = AutoModelForCausalLM.fromPretrained(folder);
        PeftModel<CausalLM> peft = PeftModel.wrap(base, config);
        CausalLM rounded = peft.unload()) {
      float[] begun = TinyModels.logits(peft.model());
      peft.saveForUnloaded(dir.resolve("adapter"));
      rounded.savePretrained(dir.resolve("rounded"));
      try (CausalLM again = AutoModelForCausalLM.fromPretrained(dir.resolve("rounded"));
          PeftModel<CausalLM> plain = PeftModel.fromPretrained(again, dir.resolve("adapter"))) {
        assertThat(plain.layerStatus()).hasSameSizeAs(peft.layerStatus());
        assertThat(Shared.difference(TinyModels.logits(plain.model()), begun)).isLessThan(1e-5);
      }
    }
  }

  @Test
  void itLearnsAndIsTrainedOnAfterLoading() {
    Path folder = TinyModels.write("gpt2", dir.resolve("base"));
    LoraConfig config = everywhere(4, 2).bias("all").build();
    try (Generator dropout = Generator.of(1);
        CausalLM base = AutoModelForCausalLM.fromPretrained(folder);
        PeftModel<CausalLM> peft = PeftModel.wrap(base, config)) {
      double before = peft.lossAndBackward(TinyModels.batch(), 1, ForwardContext.training(dropout));
      try (TensorScope scope = TensorScope.open();
          NoGrad noGrad = NoGrad.open()) {
        for (Tensor p : peft.trainableParameters().values()) {
          p.addInPlace(p.grad().orElseThrow(), -0.01);
        }
      }
      double after = peft.loss(TinyModels.batch(), ForwardContext.eval());
      assertThat(after).isLessThan(before);
      float[] learnt = TinyModels.logits(peft.model());
      peft.savePretrained(dir.resolve("adapter"));
      try (PeftModel<CausalLM> again =
          PeftModel.fromPretrained(base, dir.resolve("adapter"), true)) {
        assertThat(TinyModels.logits(again.model())).isEqualTo(learnt);
        assertThat(again.trainableParameters()).hasSameSizeAs(peft.trainableParameters());
      }
    }
  }

  @Test
  void inHalfPrecisionTheRoundedWeightHasTheBasesDtype() {
    Path folder = TinyModels.write("llama", dir);
    try (CausalLM base = LoftqFixture.load(folder, DType.BF16);
        PeftModel<CausalLM> peft = PeftModel.wrap(base, everywhere(4, 2).build());
        CausalLM rounded = peft.unload()) {
      rounded.linearLayers().forEach(layer -> assertThat(layer.dtype()).isEqualTo(DType.BF16));
      peft.setScale("default", 0);
      assertThat(TinyModels.logits(peft.model())).isEqualTo(TinyModels.logits(rounded));
    }
  }

  @Test
  void severalAdaptersShareTheBaseButOnlyOneOfThemRoundsIt() {
    Path folder = TinyModels.write("llama", dir);
    try (CausalLM base = AutoModelForCausalLM.fromPretrained(folder);
        PeftModel<CausalLM> peft = PeftModel.wrap(base, everywhere(4, 1).build(), "first");
        PeftModel<CausalLM> alone = PeftModel.wrap(base, everywhere(8, 1).build(), "second")) {
      peft.addAdapter("second", everywhere(8, 1).build());
      LoraConfig dora =
          LoraConfig.builder()
              .initLoraWeights(false)
              .useDora(true)
              .targetModules("q_proj", "v_proj")
              .build();
      peft.addAdapter("dora", dora);
      float[] first = TinyModels.logits(peft.model());
      peft.setAdapter("second");
      assertThat(TinyModels.logits(peft.model())).isEqualTo(TinyModels.logits(alone.model()));
      assertThatIllegalArgumentException()
          .isThrownBy(() -> peft.setAdapter("first", "second"))
          .withMessageContaining("loftq");

      // One that doesn't round stands beside what another rounds, whatever was active before.
      peft.setAdapter("dora");
      peft.setRequiresGrad(false, "dora");
      float[] onBase = TinyModels.logits(peft.model());
      peft.setAdapter("first", "dora");
      float[] onRounded = TinyModels.logits(peft.model());
      peft.setAdapter("dora");
      assertThat(TinyModels.logits(peft.model())).isEqualTo(onBase);
      assertThat(onRounded).isNotEqualTo(onBase);
      CausalLM rows = peft.withAdapterNames(List.of("dora"));
      assertThat(Shared.difference(TinyModels.logits(rows), onBase)).isLessThan(1e-5);
      CausalLM firstRow = peft.withAdapterNames(List.of("first"));
      assertThat(Shared.difference(TinyModels.logits(firstRow), first)).isLessThan(1e-5);
    }
  }

  @Test
  void weightsAreSwappedOnlyWhereTheBaseIsRoundedAlike() {
    Path folder = TinyModels.write("llama", dir.resolve("base"));
    try (CausalLM base = AutoModelForCausalLM.fromPretrained(folder);
        PeftModel<CausalLM> peft = PeftModel.wrap(base, everywhere(4, 2).build())) {
      for (Map.Entry<String, LoraConfig> other :
          Map.of("rounds", everywhere(4, 1).build(), "rank", everywhere(4, 2).r(2).build())
              .entrySet()) {
        try (PeftModel<CausalLM> another = PeftModel.wrap(base, other.getValue())) {
          another.savePretrained(dir.resolve(other.getKey()));
        }
        assertThatExceptionOfType(AdapterMismatchException.class)
            .isThrownBy(() -> peft.hotSwap(dir.resolve(other.getKey()), "default"))
            .withMessageContaining(other.getKey().equals("rank") ? "rank 2 instead of 4" : "loftq");
      }
      float[] before = TinyModels.logits(peft.model());
      peft.savePretrained(dir.resolve("same"));
      peft.hotSwap(dir.resolve("same"), "default");
      assertThat(TinyModels.logits(peft.model())).isEqualTo(before);
    }
  }

  @Test
  void whatCannotBeRoundedIsRefusedAndNothingStaysBehind() {
    Path folder = TinyModels.write("llama", dir);
    try (CausalLM base = AutoModelForCausalLM.fromPretrained(folder)) {
      long handles = NativeMemory.liveHandles();
      assertThatExceptionOfType(LoraException.class)
          .isThrownBy(() -> PeftModel.wrap(base, loftq(4, 1).targetModules("embed_tokens").build()))
          .withMessageContaining("embed_tokens")
          .withMessageContaining("loftq");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> PeftModel.wrap(base, everywhere(4, 3).r(33).build()))
          .withMessageContaining("r = 33");
      assertThat(NativeMemory.liveHandles()).isEqualTo(handles);
      try (PeftModel<CausalLM> peft = PeftModel.wrap(base, everywhere(4, 3).build())) {
        assertThat(NativeMemory.liveHandles()).isGreaterThan(handles);
      }
      assertThat(NativeMemory.liveHandles()).isEqualTo(handles);
    }
  }
}
