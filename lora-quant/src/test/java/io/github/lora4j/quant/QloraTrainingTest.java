package io.github.lora4j.quant;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.lora4j.data.Batch;
import io.github.lora4j.data.LabelMap;
import io.github.lora4j.model.AutoModelForCausalLM;
import io.github.lora4j.model.AutoModelForSequenceClassification;
import io.github.lora4j.model.CausalLM;
import io.github.lora4j.model.DecodingSession;
import io.github.lora4j.model.LoadOptions;
import io.github.lora4j.model.SequenceClassifier;
import io.github.lora4j.nn.ForwardContext;
import io.github.lora4j.nn.QuantizedLinear;
import io.github.lora4j.peft.Bias;
import io.github.lora4j.peft.LoraConfig;
import io.github.lora4j.peft.LoraConfigBuilder;
import io.github.lora4j.peft.PeftModel;
import io.github.lora4j.peft.TargetModules;
import io.github.lora4j.peft.TaskType;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Generator;
import io.github.lora4j.tensor.NativeMemory;
import io.github.lora4j.tensor.NoGrad;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** An adapter around a quantized base learns what it does around the same numbers, dense. */
class QloraTrainingTest {

  private static final double LAYER_TOLERANCE = 1e-5;
  private static final double GRADIENT_TOLERANCE = 1e-4;

  @TempDir Path dir;

  private static LoraConfig lora() {
    return LoraConfig.builder().r(4).alpha(8).targetModules(TargetModules.allLinear()).build();
  }

  private record Outcome(List<Double> losses, Map<String, float[]> gradients) {}

  /** Some steps of plain descent; the gradients are those of the last one. */
  private static Outcome train(CausalLM base, int steps, UnaryOperator<ForwardContext> how) {
    return train(base, lora(), steps, how);
  }

  private static Outcome train(
      CausalLM base, LoraConfig config, int steps, UnaryOperator<ForwardContext> how) {
    List<Double> losses = new ArrayList<>();
    Map<String, float[]> gradients = new LinkedHashMap<>();
    try (PeftModel<CausalLM> peft = PeftModel.wrap(base, config);
        Generator dropout = Generator.of(7)) {
      Batch batch = TinyModels.batch();
      for (int step = 0; step < steps; step++) {
        try (TensorScope scope = TensorScope.open()) {
          losses.add(
              peft.lossAndBackward(
                  batch,
                  1.0 / batch.supervisedTokens(),
                  how.apply(ForwardContext.training(dropout))));
          try (NoGrad noGrad = NoGrad.open()) {
            peft.trainableParameters()
                .forEach(
                    (name, parameter) -> {
                      Tensor gradient = parameter.grad().orElseThrow();
                      gradients.put(name, gradient.toFloatArray());
                      parameter.addInPlace(gradient, -0.5);
                      parameter.clearGrad();
                    });
          }
        }
      }
    }
    return new Outcome(losses, gradients);
  }

  private static void assertSame(Outcome actual, Outcome expected) {
    for (int step = 0; step < expected.losses().size(); step++) {
      double loss = expected.losses().get(step);
      assertThat(Math.abs(actual.losses().get(step) - loss) / loss)
          .as("step %d", step)
          .isLessThan(LAYER_TOLERANCE);
    }
    assertThat(actual.gradients().keySet()).isEqualTo(expected.gradients().keySet());
    expected
        .gradients()
        .forEach(
            (name, gradient) ->
                assertThat(Shared.difference(actual.gradients().get(name), gradient))
                    .as(name)
                    .isLessThan(GRADIENT_TOLERANCE));
  }

  @ParameterizedTest
  @ValueSource(strings = {"llama", "phi3", "gpt_neox", "gemma2", "gpt2"})
  void everyFamilyTrainsOnAQuantizedBaseAsOnTheSameNumbersDense(String family) {
    Path folder = TinyModels.write(family, dir);
    try (CausalLM quantized = TinyModels.load(folder, TinyModels.nf4InFloat32());
        CausalLM dense = TinyModels.dense(quantized)) {
      assertThat(quantized.linearLayers()).anyMatch(QuantizedLinear.class::isInstance);
      assertThat(dense.linearLayers()).noneMatch(QuantizedLinear.class::isInstance);
      assertThat(Shared.difference(TinyModels.logits(quantized), TinyModels.logits(dense)))
          .isLessThan(LAYER_TOLERANCE);
      Outcome expected = train(dense, 5, c -> c);
      assertThat(expected.losses().get(4)).isLessThan(expected.losses().get(0));
      assertSame(train(quantized, 5, c -> c), expected);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"rslora", "dora", "lora_bias", "bias=all", "bias=lora_only", "exclude"})
  void everyKindOfAdapterTrainsOnAQuantizedBase(String kind) {
    LoraConfigBuilder builder = lora().toBuilder();
    LoraConfig config =
        switch (kind) {
          case "rslora" -> builder.useRslora(true).build();
          case "dora" -> builder.useDora(true).build();
          case "lora_bias" -> builder.loraBias(true).build();
          case "bias=all" -> builder.bias(Bias.ALL).build();
          case "bias=lora_only" -> builder.bias(Bias.LORA_ONLY).build();
          default -> builder.excludeModules("dense").build();
        };
    // A family whose layers have biases.
    Path folder = TinyModels.write("gpt_neox", dir);
    try (CausalLM quantized = TinyModels.load(folder, TinyModels.nf4InFloat32());
        CausalLM dense = TinyModels.dense(quantized)) {
      Outcome expected = train(dense, config, 3, c -> c);
      assertSame(train(quantized, config, 3, c -> c), expected);
      assertSame(train(quantized, config, 3, c -> c.plain(true)), expected);
      assertSame(train(quantized, config, 3, c -> c.gradientCheckpointing(true)), expected);
    }
  }

  @Test
  void aClassifierOnAQuantizedBaseTrainsItsHead() {
    Path folder = TinyModels.write("llama", dir.resolve("base"));
    LoadOptions options =
        LoadOptions.builder().dtype(DType.F32).quantization(TinyModels.nf4InFloat32()).build();
    try (SequenceClassifier model =
            AutoModelForSequenceClassification.fromPretrained(
                folder, LabelMap.of("no", "yes"), options);
        PeftModel<SequenceClassifier> peft =
            PeftModel.wrap(model, lora().toBuilder().taskType(TaskType.SEQ_CLS).build())) {
      assertThat(peft.savedModuleNames()).containsExactly("score");
      assertThat(model.linearLayers().stream().filter(QuantizedLinear.class::isInstance))
          .hasSize(14);
      long handles = NativeMemory.liveHandles();
      model.savePretrained(dir.resolve("saved"));
      assertThat(NativeMemory.liveHandles()).isEqualTo(handles);
      try (SequenceClassifier again =
          AutoModelForSequenceClassification.fromPretrained(dir.resolve("saved"))) {
        assertThat(again.linearLayers().stream().filter(QuantizedLinear.class::isInstance))
            .hasSize(14);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"false, true", "true, false", "true, true"})
  void everyWayThroughTheModelGivesTheSameGradients(boolean plain, boolean checkpointing) {
    Path folder = TinyModels.write("llama", dir);
    for (BitsAndBytesConfig config :
        List.of(TinyModels.nf4InFloat32(), BitsAndBytesConfig.int8())) {
      try (CausalLM quantized = TinyModels.load(folder, config)) {
        assertSame(
            train(quantized, 3, c -> c.plain(plain).gradientCheckpointing(checkpointing)),
            train(quantized, 3, c -> c));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void autocastingIsThatOfADenseBase(boolean checkpointing) {
    Path folder = TinyModels.write("llama", dir);
    try (CausalLM quantized = TinyModels.load(folder, BitsAndBytesConfig.nf4());
        CausalLM dense = TinyModels.dense(quantized)) {
      UnaryOperator<ForwardContext> how =
          c -> c.autocast(DType.BF16).gradientCheckpointing(checkpointing);
      Outcome actual = train(quantized, 3, how);
      Outcome expected = train(dense, 3, how);
      for (int step = 0; step < 3; step++) {
        assertThat(actual.losses().get(step) / expected.losses().get(step)).isBetween(0.98, 1.02);
      }
      expected
          .gradients()
          .forEach(
              (name, gradient) ->
                  assertThat(Shared.difference(actual.gradients().get(name), gradient))
                      .as(name)
                      .isLessThan(0.2));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"llama", "gemma2", "gpt2"})
  void aPreparedModelHasActivationsInFloat32(String family) {
    Path folder = TinyModels.write(family, dir);
    LoadOptions options =
        LoadOptions.builder().dtype(DType.BF16).quantization(TinyModels.nf4InFloat32()).build();
    try (CausalLM model = AutoModelForCausalLM.fromPretrained(folder, options);
        CausalLM prepared = KbitTraining.prepareModelForKbitTraining(model);
        CausalLM whole = KbitTraining.prepareModelForKbitTraining(model, true)) {
      String table = model.spec().embedding().name() + ".weight";
      assertThat(model.dtype()).isEqualTo(DType.BF16);
      for (CausalLM wide : List.of(prepared, whole)) {
        assertThat(wide.dtype()).isEqualTo(DType.F32);
        assertThat(wide.parameterCount()).isEqualTo(model.parameterCount());
        wide.parameters()
            .forEach(
                (name, parameter) -> {
                  if (parameter.dtype() == DType.U8) {
                    assertThat(parameter.address())
                        .isEqualTo(model.parameters().get(name).address());
                  } else if (name.contains("norm") || name.contains("ln_")) {
                    assertThat(parameter.dtype()).as(name).isEqualTo(DType.F32);
                  }
                });
      }
      assertThat(prepared.parameters().get(table).dtype()).isEqualTo(DType.BF16);
      assertThat(whole.parameters().get(table).dtype()).isEqualTo(DType.F32);
      // All in float32 but the numbers, which are those of bfloat16.
      assertSame(train(whole, 3, c -> c), train(whole, 3, c -> c.plain(true)));
      Outcome narrow = train(prepared, 3, c -> c.gradientCheckpointing(true));
      Outcome wide = train(whole, 3, c -> c);
      for (int step = 0; step < 3; step++) {
        assertThat(narrow.losses().get(step) / wide.losses().get(step)).isBetween(0.99, 1.01);
      }
    }
  }

  @Test
  void productsInBfloat16AreNearThoseInFloat32() {
    Path folder = TinyModels.write("llama", dir);
    try (CausalLM in32 = TinyModels.load(folder, TinyModels.nf4InFloat32());
        CausalLM in16 = TinyModels.load(folder, BitsAndBytesConfig.nf4())) {
      float[] exact = TinyModels.logits(in32);
      float[] rounded = TinyModels.logits(in16);
      assertThat(Shared.difference(rounded, exact)).isBetween(1e-5, 0.05);
      Outcome a = train(in16, 2, c -> c);
      Outcome b = train(in32, 2, c -> c);
      assertThat(a.losses().get(1) / b.losses().get(1)).isBetween(0.98, 1.02);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"llama", "phi3", "gpt2"})
  void generationOnAQuantizedBaseIsThatOfTheSameNumbersDense(String family) {
    Path folder = TinyModels.write(family, dir);
    try (CausalLM quantized = TinyModels.load(folder, TinyModels.nf4InFloat32());
        CausalLM dense = TinyModels.dense(quantized);
        CausalLM eight = TinyModels.load(folder, BitsAndBytesConfig.int8())) {
      int[][] prompts = {{5, 17, 3, 60}, {9}};
      try (DecodingSession a = quantized.startDecoding(prompts, 20);
          DecodingSession b = dense.startDecoding(prompts, 20);
          DecodingSession c = eight.startDecoding(prompts, 20)) {
        for (int step = 0; step < 10; step++) {
          float[][] actual = a.logits();
          float[][] expected = b.logits();
          float[][] inEight = c.logits();
          for (int row = 0; row < prompts.length; row++) {
            assertThat(Shared.difference(actual[row], expected[row]))
                .as("step %d, row %d", step, row)
                .isLessThan(LAYER_TOLERANCE);
            assertThat(Shared.difference(inEight[row], expected[row])).isLessThan(0.5);
          }
          int[] next = {argmax(expected[0]), argmax(expected[1])};
          a.append(next);
          b.append(next);
          c.append(next);
        }
      }
    }
  }

  private static int argmax(float[] scores) {
    int best = 0;
    for (int i = 1; i < scores.length; i++) {
      best = scores[i] > scores[best] ? i : best;
    }
    return best;
  }

  @ParameterizedTest
  @CsvSource({"false, false", "false, true", "true, false", "true, true"})
  void noStepLeavesNativeMemoryBehind(boolean plain, boolean checkpointing) {
    Path folder = TinyModels.write("llama", dir);
    try (CausalLM quantized = TinyModels.load(folder, BitsAndBytesConfig.nf4())) {
      UnaryOperator<ForwardContext> how = c -> c.plain(plain).gradientCheckpointing(checkpointing);
      train(quantized, 3, how);
      long before = NativeMemory.liveHandles();
      train(quantized, 150, how);
      assertThat(NativeMemory.liveHandles()).isLessThanOrEqualTo(before + 5);
    }
  }
}
