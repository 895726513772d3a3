package io.github.lora4j.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.github.lora4j.data.Batch;
import io.github.lora4j.error.LoraException;
import io.github.lora4j.nn.ForwardContext;
import io.github.lora4j.peft.InitLoraWeights;
import io.github.lora4j.peft.LoraConfig;
import io.github.lora4j.peft.PeftModel;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Generator;
import io.github.lora4j.tensor.NativeMemory;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import io.github.lora4j.testing.Fixtures;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ModelMisuseTest {

  private static final Path LLAMA = Fixtures.path("/llama/llama/base");
  private static final Batch BATCH =
      new Batch(1, 3, new int[] {1, 5, 9}, new int[] {1, 1, 1}, new int[] {-100, 5, 9});

  @TempDir Path dir;

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aModelThatLearnsNothingSaysSo(boolean checkpointing) {
    try (CausalLM model = AutoModelForCausalLM.fromPretrained(LLAMA);
        Generator dropout = Generator.of(0)) {
      ForwardContext context =
          ForwardContext.training(dropout).gradientCheckpointing(checkpointing);
      assertThatIllegalStateException()
          .isThrownBy(() -> model.lossAndBackward(BATCH, 1, context))
          .withMessageContaining("requiresGrad(true)");
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void anAdapterThatIsSwitchedOffIsNotTrained(boolean checkpointing) {
    try (CausalLM base = AutoModelForCausalLM.fromPretrained(LLAMA);
        PeftModel<CausalLM> peft = PeftModel.wrap(base, LoraConfig.builder().build());
        Generator dropout = Generator.of(0)) {
      ForwardContext context =
          ForwardContext.training(dropout).gradientCheckpointing(checkpointing);
      peft.disableAdapterLayers();
      assertThatIllegalStateException()
          .isThrownBy(() -> peft.lossAndBackward(BATCH, 1, context))
          .withMessageContaining("enableAdapterLayers");
    }
  }

  @Test
  void labelsOutsideTheVocabularyAreRefused() {
    Batch wrong =
        new Batch(1, 3, new int[] {1, 5, 9}, new int[] {1, 1, 1}, new int[] {-100, 5, 64});
    Batch negative =
        new Batch(1, 3, new int[] {1, 5, 9}, new int[] {1, 1, 1}, new int[] {-100, -1, 5});
    try (CausalLM model = AutoModelForCausalLM.fromPretrained(LLAMA)) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> model.loss(wrong, ForwardContext.eval()))
          .withMessageContaining("labels[2]: expected -100 or a token id in [0, 64), found 64");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> model.loss(negative, ForwardContext.eval()))
          .withMessageContaining("labels[1]");
    }
  }

  @Test
  void aBatchOfNoRowsIsRefused() {
    try (CausalLM model = AutoModelForCausalLM.fromPretrained(LLAMA)) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> model.logits(new int[0], new int[0], 0))
          .withMessageContaining("batch");
    }
  }

  @Test
  void paddingOnEitherSideAndRowsOfPaddingAloneDisturbNobody() {
    int[] ids = {1, 5, 9, 0, 0, 1, 5, 9, 0, 0, 0, 0};
    int[] mask = {1, 1, 1, 0, 0, 1, 1, 1, 0, 0, 0, 0};
    try (TensorScope scope = TensorScope.open();
        CausalLM model = AutoModelForCausalLM.fromPretrained(LLAMA)) {
      Tensor batch = model.logits(ids, mask, 3);
      Tensor alone = model.logits(BATCH).select(0, 0);
      assertThat(batch.isFinite().all()).isTrue();
      assertThat(Fixtures.relativeDifference(batch.select(0, 0).narrow(0, 0, 3), alone))
          .isLessThan(1e-5);
    }
  }

  @Test
  void evaluationAndGenerationRunInSeveralThreadsAtOnce() throws Exception {
    LoraConfig config = LoraConfig.builder().initLoraWeights(InitLoraWeights.RANDOM).build();
    ExecutorService threads = Executors.newFixedThreadPool(4);
    try (CausalLM base = AutoModelForCausalLM.fromPretrained(LLAMA);
        PeftModel<CausalLM> peft = PeftModel.wrap(base, config)) {
      float[] logits;
      try (TensorScope scope = TensorScope.open()) {
        logits = peft.model().logits(BATCH).toFloatArray();
      }
      double loss = peft.loss(BATCH, ForwardContext.eval());
      float[] next = lastLogits(peft.model());
      List<Callable<Boolean>> tasks = new ArrayList<>();
      for (int i = 0; i < 200; i++) {
        tasks.add(
            () -> {
              try (TensorScope scope = TensorScope.open()) {
                assertThat(peft.model().logits(BATCH).toFloatArray()).containsExactly(logits);
              }
              assertThat(peft.loss(BATCH, ForwardContext.eval())).isEqualTo(loss);
              assertThat(lastLogits(peft.model())).containsExactly(next);
              return true;
            });
      }
      for (Future<Boolean> result : threads.invokeAll(tasks)) {
        assertThat(result.get()).isTrue();
      }
    } finally {
      threads.shutdown();
    }
  }

  private static float[] lastLogits(CausalLM model) {
    try (DecodingSession session = model.startDecoding(new int[][] {{1, 5}, {7}}, 8)) {
      session.append(new int[] {9, 9});
      return session.logits()[1].clone();
    }
  }

  @Test
  void normsInFloat32BesideHalfPrecisionWeightsAreLoadedInTheDeclaredDtype() throws IOException {
    Path folder =
        ChangedFolder.of(
            LLAMA,
            dir,
            tensors -> tensors.replaceAll((n, t) -> n.contains("norm") ? t : t.to(DType.BF16)),
            json -> json.replace("\"float32\"", "\"bfloat16\""));
    LoadOptions half = LoadOptions.builder().dtype(DType.BF16).build();
    try (TensorScope scope = TensorScope.open();
        CausalLM mixed = AutoModelForCausalLM.fromPretrained(folder);
        CausalLM plain = AutoModelForCausalLM.fromPretrained(LLAMA, half)) {
      assertThat(mixed.parameters().values()).allMatch(p -> p.dtype() == DType.BF16);
      assertThat(mixed.logits(BATCH).equal(plain.logits(BATCH))).isTrue();
    }
  }

  @Test
  void withoutADeclaredDtypeTheEmbeddingsCounts() throws IOException {
    Path folder =
        ChangedFolder.of(
            LLAMA,
            dir,
            tensors -> tensors.replaceAll((n, t) -> n.contains("norm") ? t : t.to(DType.F16)),
            json -> json.replace("\"float32\"", "null"));
    try (CausalLM mixed = AutoModelForCausalLM.fromPretrained(folder)) {
      assertThat(mixed.dtype()).isEqualTo(DType.F16);
      assertThat(mixed.parameters().values()).allMatch(p -> p.dtype() == DType.F16);
    }
  }

  @Test
  void aModelOutlivesTheFolderThatItCameFrom() throws IOException {
    Path folder = ChangedFolder.of(LLAMA, dir.resolve("in"), t -> {}, json -> json);
    try (CausalLM model = AutoModelForCausalLM.fromPretrained(folder)) {
      Files.delete(folder.resolve("config.json"));
      Files.delete(folder.resolve("model.safetensors"));
      Files.delete(folder);
      Path out = dir.resolve("out");
      model.savePretrained(out);
      try (CausalLM again = AutoModelForCausalLM.fromPretrained(out)) {
        assertThat(again.parameterCount()).isEqualTo(model.parameterCount());
      }
    }
  }

  @Test
  void whatFailsHalfWayGivesItsMemoryBack() {
    LoraConfig config =
        LoraConfig.builder()
            .targetModules("all-linear")
            .initLoraWeights(InitLoraWeights.RANDOM)
            .build();
    try (CausalLM base = AutoModelForCausalLM.fromPretrained(LLAMA);
        PeftModel<CausalLM> peft = PeftModel.wrap(base, config)) {
      Tensor lastB = peft.trainableParameters().get("model.layers.1.mlp.down_proj.lora_B.weight");
      lastB.detach().fillInPlace(Double.NaN);
      List<Long> handles = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        assertThatExceptionOfType(LoraException.class).isThrownBy(peft::mergeAndUnload);
        assertThatIllegalStateException()
            .isThrownBy(
                () -> {
                  try (CausalLM closed = AutoModelForCausalLM.fromPretrained(LLAMA)) {
                    closed.parameters().get("model.norm.weight").close();
                    closed.startDecoding(new int[][] {{1, 2}}, 8);
                  }
                });
        handles.add(NativeMemory.liveHandles());
      }
      assertThat(handles.get(3) - handles.get(1)).as(handles.toString()).isLessThan(6);
    }
  }
}
