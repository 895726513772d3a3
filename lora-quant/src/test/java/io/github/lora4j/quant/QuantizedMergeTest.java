package io.github.lora4j.quant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.github.lora4j.model.AutoModelForCausalLM;
import io.github.lora4j.model.CausalLM;
import io.github.lora4j.model.LoadOptions;
import io.github.lora4j.nn.LinearLayer;
import io.github.lora4j.nn.QuantizedLinear;
import io.github.lora4j.peft.LoraConfig;
import io.github.lora4j.peft.PeftModel;
import io.github.lora4j.peft.QuantizedMerge;
import io.github.lora4j.peft.WeightChange;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Generator;
import io.github.lora4j.tensor.NativeMemory;
import io.github.lora4j.tensor.NoGrad;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class QuantizedMergeTest {

  @TempDir Path dir;

  /** An adapter on some of the layers that changes what the model says. */
  private static PeftModel<CausalLM> adapted(CausalLM base) {
    String[] targets =
        base.config().modelType().equals("gpt2")
            ? new String[] {"c_attn"}
            : new String[] {"q_proj", "down_proj"};
    PeftModel<CausalLM> peft =
        PeftModel.wrap(base, LoraConfig.builder().r(4).alpha(8).targetModules(targets).build());
    try (TensorScope scope = TensorScope.open();
        NoGrad noGrad = NoGrad.open();
        Generator generator = Generator.of(5)) {
      peft.trainableParameters()
          .values()
          .forEach(p -> p.copyInPlace(Tensor.normal(0, 0.05, generator, p.shape())));
    }
    return peft;
  }

  @Test
  void withoutAChoiceItIsRefusedAndTheChoicesAreNamed() {
    Path folder = TinyModels.write("llama", dir);
    try (CausalLM base = TinyModels.load(folder, TinyModels.nf4InFloat32());
        PeftModel<CausalLM> peft = adapted(base)) {
      long handles = NativeMemory.liveHandles();
      assertThatIllegalStateException()
          .isThrownBy(peft::mergeAndUnload)
          .withMessageContaining("model.layers.0.self_attn.q_proj")
          .withMessageContaining("QuantizedMerge.dequantize()")
          .withMessageContaining("QuantizedMerge.requantize()");
      assertThatIllegalStateException().isThrownBy(peft::mergeAdapter);
      assertThat(peft.isMerged()).isFalse();
      assertThat(NativeMemory.liveHandles()).isEqualTo(handles);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"llama", "gpt2"})
  void aDequantizedMergeIsADenseModelThatSaysTheSame(String family) {
    Path folder = TinyModels.write(family, dir.resolve("base"));
    for (BitsAndBytesConfig how : List.of(TinyModels.nf4InFloat32(), BitsAndBytesConfig.int8())) {
      try (CausalLM base = TinyModels.load(folder, how);
          PeftModel<CausalLM> peft = adapted(base);
          CausalLM merged = peft.mergeAndUnload(QuantizedMerge.dequantize())) {
        float[] expected = TinyModels.logits(peft.model());
        assertThat(Shared.difference(expected, TinyModels.logits(base))).isGreaterThan(0.01);
        assertThat(Shared.difference(TinyModels.logits(merged), expected)).isLessThan(1e-5);
        assertThat(merged.linearLayers()).noneMatch(QuantizedLinear.class::isInstance);
        assertThat(merged.config().has("quantization_config")).isFalse();
        merged.savePretrained(dir.resolve("merged"));
        try (CausalLM again = AutoModelForCausalLM.fromPretrained(dir.resolve("merged"))) {
          assertThat(TinyModels.logits(again)).isEqualTo(TinyModels.logits(merged));
        }
      }
    }
  }

  @Test
  void aDequantizedMergeHasTheDTypeOfTheRest() {
    Path folder = TinyModels.write("llama", dir);
    LoadOptions options =
        LoadOptions.builder().dtype(DType.BF16).quantization(BitsAndBytesConfig.nf4()).build();
    try (CausalLM base = AutoModelForCausalLM.fromPretrained(folder, options);
        PeftModel<CausalLM> peft = adapted(base);
        CausalLM merged = peft.mergeAndUnload(QuantizedMerge.dequantize())) {
      assertThat(merged.linearLayers()).allMatch(layer -> layer.dtype() == DType.BF16);
      assertThat(Shared.difference(TinyModels.logits(merged), TinyModels.logits(peft.model())))
          .isLessThan(0.05);
    }
  }

  @ParameterizedTest
  @CsvSource({"4, 0.05, 0.15", "8, 0.0005, 0.02"})
  void aRequantizedMergeKeepsTheSizeAndMeasuresWhatItLoses(int bits, double least, double most) {
    Path folder = TinyModels.write("llama", dir.resolve("base"));
    BitsAndBytesConfig how = bits == 4 ? TinyModels.nf4InFloat32() : BitsAndBytesConfig.int8();
    List<WeightChange> changes = new ArrayList<>();
    try (CausalLM base = TinyModels.load(folder, how);
        PeftModel<CausalLM> peft = adapted(base);
        CausalLM merged = peft.mergeAndUnload(QuantizedMerge.requantize(changes::add))) {
      assertThat(merged.linearLayers().stream().filter(QuantizedLinear.class::isInstance))
          .hasSize(14);
      assertThat(changes).hasSize(4);
      assertThat(changes).allMatch(c -> c.ofWeight() > least && c.ofWeight() < most);
      assertThat(changes).allMatch(c -> c.ofUpdate() > c.ofWeight());
      assertThat(measured(base, merged, peft, changes.get(0).module()))
          .isCloseTo(changes.get(0).ofWeight(), org.assertj.core.data.Offset.offset(1e-4));
      merged.savePretrained(dir.resolve("merged"));
      try (CausalLM again = AutoModelForCausalLM.fromPretrained(dir.resolve("merged"))) {
        assertThat(TinyModels.logits(again)).isEqualTo(TinyModels.logits(merged));
      }
    }
  }

  /** The same number from the dense merge. */
  private static double measured(
      CausalLM base, CausalLM merged, PeftModel<CausalLM> peft, String module) {
    try (CausalLM exact = peft.mergeAndUnload(QuantizedMerge.dequantize());
        TensorScope scope = TensorScope.open()) {
      float[] wanted = weight(exact, module);
      float[] got = weight(merged, module);
      double lost = 0;
      double whole = 0;
      for (int i = 0; i < wanted.length; i++) {
        lost += Math.pow(got[i] - (double) wanted[i], 2);
        whole += Math.pow(wanted[i], 2);
      }
      return Math.sqrt(lost / whole);
    }
  }

  private static float[] weight(CausalLM model, String module) {
    LinearLayer layer =
        model.linearLayers().stream()
            .filter(l -> l.name().equals(module))
            .findFirst()
            .orElseThrow();
    return layer instanceof QuantizedLinear few
        ? few.denseWeight(DType.F32).toFloatArray()
        : ((io.github.lora4j.nn.DenseLinear) layer).weight().toFloatArray();
  }
}
