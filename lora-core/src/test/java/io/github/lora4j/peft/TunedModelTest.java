package io.github.lora4j.peft;

import static io.github.lora4j.testing.Fixtures.relativeDifference;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.github.lora4j.data.Batch;
import io.github.lora4j.data.LabelMap;
import io.github.lora4j.data.SequenceLabels;
import io.github.lora4j.error.AdapterMismatchException;
import io.github.lora4j.error.CheckpointFormatException;
import io.github.lora4j.error.LoraException;
import io.github.lora4j.io.SafeTensors;
import io.github.lora4j.model.AutoModelForCausalLM;
import io.github.lora4j.model.AutoModelForSequenceClassification;
import io.github.lora4j.model.CausalLM;
import io.github.lora4j.model.SequenceClassifier;
import io.github.lora4j.nn.ForwardContext;
import io.github.lora4j.tensor.Generator;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import io.github.lora4j.testing.Fixtures;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class TunedModelTest {

  private static final Path LLAMA = Fixtures.path("/llama/llama/base");
  private static final Batch BATCH =
      new Batch(
          1,
          5,
          new int[] {4, 9, 11, 8, 3},
          new int[] {1, 1, 1, 1, 1},
          new int[] {-100, -100, -100, -100, -100});

  @TempDir Path dir;
  private CausalLM base;
  private TensorScope scope;

  @BeforeEach
  void load() {
    base = AutoModelForCausalLM.fromPretrained(LLAMA);
    scope = TensorScope.open();
  }

  @AfterEach
  void close() {
    scope.close();
    base.close();
  }

  static List<PeftConfig> all() {
    return List.of(
        Ia3Config.builder().initIa3Weights(false).build(),
        LnTuningConfig.builder().build(),
        PromptTuningConfig.builder().numVirtualTokens(3).build(),
        PrefixTuningConfig.builder().numVirtualTokens(3).build(),
        PrefixTuningConfig.builder().numVirtualTokens(2).prefixProjection(true).build());
  }

  @ParameterizedTest
  @MethodSource("all")
  void aFreshAdapterIsSavedAndLoaded(PeftConfig config) {
    try (TunedModel<CausalLM> fresh = TunedModel.wrap(base, config)) {
      Tensor logits = fresh.model().logits(BATCH);
      assertThat(logits.shape()).containsExactly(1, 5, 64);
      assertThat(fresh.trainableParameters()).isNotEmpty();
      assertThat(base.trainableParameters()).isEmpty();
      fresh.savePretrained(dir);
      try (TunedModel<CausalLM> loaded = TunedModel.fromPretrained(base, dir)) {
        assertThat(relativeDifference(loaded.model().logits(BATCH), logits)).isLessThan(1e-6);
        assertThat(loaded.trainableParameters()).isEmpty();
      }
      assertThat(dir.resolve("README.md")).isNotEmptyFile();
    }
  }

  @Test
  void vectorsOfOnesAndCopiesOfNormsChangeNothing() {
    Tensor expected = base.logits(BATCH);
    for (PeftConfig config :
        List.of(Ia3Config.builder().build(), LnTuningConfig.builder().build())) {
      try (TunedModel<CausalLM> fresh = TunedModel.wrap(base, config)) {
        assertThat(fresh.model().logits(BATCH).equal(expected)).isTrue();
      }
    }
  }

  @Test
  void aPrefixOfZerosHasKeysOfZeroButIsSeen() {
    PrefixTuningConfig config =
        PrefixTuningConfig.builder().numVirtualTokens(2).zeroInit(true).build();
    try (TunedModel<CausalLM> fresh = TunedModel.wrap(base, config)) {
      fresh
          .trainableParameters()
          .values()
          .forEach(p -> assertThat(p.toFloatArray()).containsOnly(0));
    }
  }

  @Test
  void parametersAreCountedAsInPeft() {
    long all = base.parameterCount();
    try (TunedModel<CausalLM> ia3 = TunedModel.wrap(base, Ia3Config.builder().build());
        TunedModel<CausalLM> prefix =
            TunedModel.wrap(base, PrefixTuningConfig.builder().numVirtualTokens(3).build())) {
      // In each of two layers k_proj and v_proj with 16 outputs, down_proj with 40 inputs.
      assertThat(ia3.parameterCount() - all).isEqualTo(2 * (16 + 16 + 40));
      assertThat(ia3.targetedModuleNames()).hasSize(6);
      // Keys and values of 2 heads with 8 features in each of two layers.
      assertThat(prefix.parameterCount() - all).isEqualTo(3 * 2 * 2 * 16);
      assertThat(prefix.trainableParametersSummary()).contains("trainable params: 192 ||");
    }
  }

  @Test
  void aTextsTokensAreRepeatedUntilTheyFill() {
    PromptTuningConfig config =
        PromptTuningConfig.builder()
            .numVirtualTokens(5)
            .promptTuningInitText("ab", new TwoTokens(), "base")
            .build();
    try (TunedModel<CausalLM> tuned = TunedModel.wrap(base, config)) {
      Tensor found = tuned.trainableParameters().get("prompt_encoder.embedding.weight");
      Tensor table = base.parameters().get("model.embed_tokens.weight");
      Tensor ids = Tensor.of(new long[] {7, 9, 7, 9, 7}, 5);
      assertThat(found.equal(table.indexSelect(0, ids))).isTrue();
      tuned.savePretrained(dir);
    }
    PromptTuningConfig read = (PromptTuningConfig) PeftConfig.load(dir);
    assertThat(read.promptTuningInit()).isEqualTo(PromptTuningInit.TEXT);
    assertThat(read.promptTuningInitText()).contains("ab");
    assertThatIllegalStateException()
        .isThrownBy(() -> TunedModel.wrap(base, read))
        .withMessageContaining("give it with its tokenizer");
  }

  @Test
  void sampledTokensAreOfTheVocabulary() {
    PromptTuningConfig config =
        PromptTuningConfig.builder()
            .numVirtualTokens(4)
            .promptTuningInit(PromptTuningInit.SAMPLE_VOCAB)
            .build();
    try (TunedModel<CausalLM> tuned = TunedModel.wrap(base, config, 3);
        TunedModel<CausalLM> same = TunedModel.wrap(base, config, 3)) {
      Tensor found = tuned.trainableParameters().get("prompt_encoder.embedding.weight");
      assertThat(same.trainableParameters().get("prompt_encoder.embedding.weight").equal(found))
          .isTrue();
      Tensor table = base.parameters().get("model.embed_tokens.weight");
      for (int row = 0; row < 4; row++) {
        Tensor wanted = found.select(0, row);
        boolean known = false;
        for (int id = 0; id < 64; id++) {
          known |= table.select(0, id).equal(wanted);
        }
        assertThat(known).isTrue();
      }
    }
  }

  @Test
  void paddingAndPackingDontChangeWhatASequenceSees() {
    PromptTuningConfig config = PromptTuningConfig.builder().numVirtualTokens(2).build();
    int none = -100;
    Batch one = batch(1, new int[] {4, 9, 11}, new int[] {1, 1, 1}, new int[] {none, 9, 11});
    Batch other = batch(1, new int[] {8, 3}, new int[] {1, 1}, new int[] {none, 3});
    Batch left =
        batch(
            2,
            new int[] {4, 9, 11, 0, 8, 3},
            new int[] {1, 1, 1, 0, 1, 1},
            new int[] {none, 9, 11, none, none, 3});
    Batch packed =
        new Batch(
            1,
            5,
            new int[] {4, 9, 11, 8, 3},
            new int[] {1, 1, 1, 1, 1},
            new int[] {none, 9, 11, none, 3},
            new int[] {0, 1, 2, 0, 1});
    for (PeftConfig kind :
        List.of(config, PrefixTuningConfig.builder().numVirtualTokens(2).build())) {
      try (TunedModel<CausalLM> tuned = TunedModel.wrap(base, kind)) {
        ForwardContext eval = ForwardContext.eval();
        double apart = tuned.loss(one, eval) + tuned.loss(other, eval);
        assertThat(tuned.loss(left, eval)).isCloseTo(apart, within(apart));
        assertThat(tuned.loss(packed, eval)).isCloseTo(apart, within(apart));
        assertThat(tuned.loss(packed, eval.plain(true))).isCloseTo(apart, within(apart));
      }
    }
  }

  private static org.assertj.core.data.Offset<Double> within(double value) {
    return org.assertj.core.data.Offset.offset(1e-5 * value);
  }

  private static Batch batch(int rows, int[] ids, int[] mask, int[] labels) {
    return new Batch(rows, ids.length / rows, ids, mask, labels);
  }

  @Test
  void aClassifiersHeadIsTrainedBesideTheAdapter() {
    LabelMap labels = LabelMap.of("a", "b", "c");
    for (PeftConfig config :
        List.of(
            Ia3Config.builder().taskType(TaskType.SEQ_CLS).build(),
            PromptTuningConfig.builder().numVirtualTokens(2).build(),
            PrefixTuningConfig.builder().numVirtualTokens(2).build())) {
      try (SequenceClassifier model =
              AutoModelForSequenceClassification.fromPretrained(LLAMA, labels);
          TunedModel<SequenceClassifier> tuned = TunedModel.wrap(model, config);
          Generator dropout = Generator.of(1)) {
        Batch batch = BATCH.labelled(SequenceLabels.ofClass(2));
        tuned.lossAndBackward(batch, 1, ForwardContext.training(dropout));
        assertThat(tuned.trainableParameters())
            .containsKey("score.modules_to_save.weight")
            .allSatisfy((name, p) -> assertThat(p.grad()).as(name).isPresent());
        tuned.savePretrained(dir);
        String key =
            config instanceof Ia3Config
                ? "base_model.model.score.weight"
                : "base_model.score.weight";
        try (SafeTensors file = SafeTensors.open(dir.resolve("adapter_model.safetensors"))) {
          assertThat(file.names()).contains(key);
        }
        try (TunedModel<SequenceClassifier> again = TunedModel.fromPretrained(model, dir)) {
          assertThat(again.model().logits(BATCH).equal(tuned.model().logits(BATCH))).isTrue();
        }
      }
    }
  }

  @Test
  void whatStandsBeforeSequencesCannotBeMerged() {
    for (PeftConfig config :
        List.of(
            PromptTuningConfig.builder().numVirtualTokens(2).build(),
            PrefixTuningConfig.builder().numVirtualTokens(2).build())) {
      try (TunedModel<CausalLM> tuned = TunedModel.wrap(base, config)) {
        assertThatExceptionOfType(LoraException.class)
            .isThrownBy(tuned::mergeAndUnload)
            .withMessageContaining("can't be merged");
        assertThat(tuned.isMerged()).isFalse();
      }
    }
  }

  @Test
  void misspeltNamesAreErrors() {
    assertThatExceptionOfType(AdapterMismatchException.class)
        .isThrownBy(
            () ->
                TunedModel.wrap(
                    base,
                    LnTuningConfig.builder().targetModules("norm", "input_layernrom").build()))
        .withMessageContaining("input_layernrom")
        .withMessageContaining("did you mean input_layernorm");
    assertThatExceptionOfType(AdapterMismatchException.class)
        .isThrownBy(
            () ->
                TunedModel.wrap(
                    base,
                    Ia3Config.builder()
                        .targetModules("k_proj", "v_prj")
                        .feedforwardModules()
                        .build()))
        .withMessageContaining("v_prj");
    assertThatIllegalArgumentException()
        .isThrownBy(
            () -> Ia3Config.builder().targetModules("k_proj").feedforwardModules("up_proj").build())
        .withMessageContaining("feedforwardModules");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> PromptTuningConfig.builder().build())
        .withMessageContaining("numVirtualTokens");
  }

  @Test
  void defaultFeedforwardModulesAreThoseAmongTheTargets() {
    Ia3Config config = Ia3Config.builder().targetModules("q_proj", "mlp.down_proj").build();
    try (TunedModel<CausalLM> tuned = TunedModel.wrap(base, config)) {
      assertThat(tuned.trainableParameters().get("model.layers.0.mlp.down_proj.ia3_l").shape())
          .containsExactly(1, 40);
      tuned.savePretrained(dir);
    }
    assertThat(((Ia3Config) PeftConfig.load(dir)).feedforwardModules())
        .isEqualTo(TargetModules.names("mlp.down_proj"));
  }

  @Test
  void filesThatDontFitAreErrors() throws IOException {
    PrefixTuningConfig projected =
        PrefixTuningConfig.builder().numVirtualTokens(2).prefixProjection(true).build();
    try (TunedModel<CausalLM> tuned = TunedModel.wrap(base, projected)) {
      tuned.savePretrained(dir);
    }
    assertThatExceptionOfType(AdapterMismatchException.class)
        .isThrownBy(() -> TunedModel.fromPretrained(base, dir, true))
        .withMessageContaining("saved without it");
    Path file = dir.resolve("adapter_config.json");
    String text = Files.readString(file);
    Files.writeString(file, text.replace("\"num_layers\": 2", "\"num_layers\": 3"));
    assertThatExceptionOfType(AdapterMismatchException.class)
        .isThrownBy(() -> TunedModel.fromPretrained(base, dir))
        .withMessageContaining("numLayers: this model has 2, found 3");
    Files.writeString(file, text.replace("\"num_virtual_tokens\": 2", "\"num_virtual_tokens\": 4"));
    assertThatExceptionOfType(AdapterMismatchException.class)
        .isThrownBy(() -> TunedModel.fromPretrained(base, dir))
        .withMessageContaining("prompt_embeddings");
    Files.writeString(file, text.replace("PREFIX_TUNING", "P_TUNING"));
    assertThatExceptionOfType(AdapterMismatchException.class)
        .isThrownBy(() -> PeftConfig.load(dir))
        .withMessageContaining("\"P_TUNING\"")
        .withMessageContaining("PROMPT_TUNING, PREFIX_TUNING, LN_TUNING");
    Files.writeString(file, text.replace("\"init_weights\": null", "\"init_weights\": \"one\""));
    assertThatExceptionOfType(CheckpointFormatException.class)
        .isThrownBy(() -> PeftConfig.load(dir));
  }

  @Test
  void loraHasAModelOfItsOwn() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> TunedModel.wrap(base, LoraConfig.builder().build()))
        .withMessageContaining("PeftModel");
  }

  /** Every text is the same two tokens. */
  private static final class TwoTokens implements io.github.lora4j.data.Tokenizer {

    @Override
    public int[] encode(String text, boolean addSpecialTokens) {
      return new int[] {7, 9};
    }

    @Override
    public String decode(int[] ids, boolean skipSpecialTokens) {
      throw new UnsupportedOperationException("no text comes back");
    }

    @Override
    public int vocabSize() {
      return 64;
    }

    @Override
    public java.util.OptionalInt tokenId(String token) {
      return java.util.OptionalInt.empty();
    }

    @Override
    public java.util.OptionalInt bosTokenId() {
      return java.util.OptionalInt.empty();
    }

    @Override
    public java.util.OptionalInt eosTokenId() {
      return java.util.OptionalInt.empty();
    }

    @Override
    public java.util.OptionalInt padTokenId() {
      return java.util.OptionalInt.empty();
    }

    @Override
    public void close() {}
  }
}
