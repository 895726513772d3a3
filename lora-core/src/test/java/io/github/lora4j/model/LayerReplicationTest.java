package io.github.lora4j.model;

import static io.github.lora4j.testing.Fixtures.relativeDifference;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.github.lora4j.data.Batch;
import io.github.lora4j.error.LoraException;
import io.github.lora4j.nn.BiasedLinear;
import io.github.lora4j.nn.DenseLinear;
import io.github.lora4j.nn.LinearLayer;
import io.github.lora4j.peft.InitLoraWeights;
import io.github.lora4j.peft.LoraConfig;
import io.github.lora4j.peft.PeftModel;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import io.github.lora4j.testing.FamilyCase;
import io.github.lora4j.testing.Fixtures;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A view whose stack repeats layers, which adapters can tell apart. */
class LayerReplicationTest {

  private static final List<Integer> ORDER = List.of(0, 1, 0, 1, 1);
  private static final int[] IDS = {1, 5, 9, 5, 3, 8, 2, 7};
  private static final Batch BATCH =
      new Batch(1, IDS.length, IDS, new int[] {1, 1, 1, 1, 1, 1, 1, 1}, IDS);

  @TempDir Path dir;
  @TempDir Path saved;

  private CausalLM load(String family) {
    return AutoModelForCausalLM.fromPretrained(
        new FamilyCase(family, Fixtures.path("/families/" + family)).expandedInto(dir).base());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"llama", "gpt2", "gemma3_text", "qwen3", "mixtral", "falcon", "stablelm-parallel"})
  void eachCopyIsALayerOfItsOwnToAdapters(String family) {
    LoraConfig config =
        LoraConfig.builder()
            .r(2)
            .targetModules("all-linear")
            .initLoraWeights(InitLoraWeights.RANDOM)
            .build();
    try (TensorScope scope = TensorScope.open();
        CausalLM base = load(family)) {
      CausalLM view = base.withLayers(ORDER);
      assertThat(view.parameters().keySet())
          .hasSize(
              base.parameters().size()
                  + (int)
                          base.parameters().keySet().stream()
                              .filter(name -> name.startsWith(base.spec().layers() + ".0."))
                              .count()
                      * 3);
      String last = base.spec().inLayer(4, "");
      try (PeftModel<CausalLM> peft = PeftModel.wrap(view, config);
          CausalLM merged = peft.mergeAndUnload()) {
        long ofLast = peft.targetedModuleNames().stream().filter(n -> n.startsWith(last)).count();
        assertThat(ofLast).isPositive();
        assertThat(peft.targetedModuleNames()).hasSize((int) ofLast * 5);
        Tensor expected = peft.model().logits(BATCH);
        merged.savePretrained(saved);
        try (CausalLM again = AutoModelForCausalLM.fromPretrained(saved)) {
          assertThat(again.spec().numHiddenLayers()).isEqualTo(5);
          assertThat(again.spec().blocks()).isEqualTo(view.spec().blocks());
          assertThat(relativeDifference(again.logits(BATCH), expected)).isLessThan(1e-5);
        }
      }
    }
  }

  @Test
  void copiesShareTheirWeights() {
    try (CausalLM base = load("llama")) {
      CausalLM view = base.withLayers(ORDER);
      assertThat(view.moduleNames()).contains("model.layers.4.self_attn.q_proj");
      String part = ".mlp.up_proj.weight";
      assertThat(view.parameters().get("model.layers.4" + part).address())
          .isEqualTo(base.parameters().get("model.layers.1" + part).address());
      assertThat(view.parameters().get("model.layers.0" + part))
          .isSameAs(base.parameters().get("model.layers.0" + part));
      assertThat(base.spec().numHiddenLayers()).isEqualTo(2);
    }
  }

  @Test
  void decodingKeepsACacheForEachCopy() {
    try (TensorScope scope = TensorScope.open();
        CausalLM base = load("gemma3_text")) {
      CausalLM view = base.withLayers(List.of(1, 0, 1, 0));
      float[] all = view.logits(BATCH).toFloatArray();
      int vocab = view.spec().vocabSize();
      try (DecodingSession session =
          view.startDecoding(new int[][] {Arrays.copyOf(IDS, 2)}, IDS.length)) {
        for (int i = 2; i <= IDS.length; i++) {
          float[] expected = Arrays.copyOfRange(all, (i - 1) * vocab, i * vocab);
          assertThat(relativeDifference(session.logits()[0], expected)).isLessThan(1e-5);
          if (i < IDS.length) {
            session.append(new int[] {IDS[i]});
          }
        }
      }
      assertThat(view.config().strings("layer_types"))
          .containsExactly(
              "full_attention", "sliding_attention", "full_attention", "sliding_attention");
    }
  }

  @Test
  void aStackThatNoConfigurationDescribesIsNotSaved() {
    String json =
        "{\"model_type\": \"gpt2\", \"n_embd\": 16, \"n_head\": 2, \"n_layer\": 2, \"vocab_size\":"
            + " 20, \"scale_attn_by_inverse_layer_idx\": true}";
    try (CausalLM base =
            AutoModelForCausalLM.fromConfig(ModelConfig.of(json, "test"), 1, Device.CPU);
        CausalLM own = base.withLayers(List.of(0, 0)).shareWith(LinearLayer::share)) {
      assertThatExceptionOfType(LoraException.class)
          .isThrownBy(() -> own.savePretrained(saved))
          .withMessageContaining("tells layers apart by their place");
    }
  }

  @Test
  void anIndexOutsideOfTheStackIsRefused() {
    try (CausalLM base = load("llama")) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> base.withLayers(List.of(0, 2)))
          .withMessage("order: expected indices of layers in [0, 2), found 2");
      assertThatIllegalArgumentException().isThrownBy(() -> base.withLayers(List.of()));
    }
  }

  @Test
  void aRenamedLayerKeepsItsKind() {
    try (CausalLM base = load("gpt2")) {
      BiasedLinear layer = (BiasedLinear) base.linearLayers().get(0);
      LinearLayer renamed = layer.renamed("other");
      assertThat(renamed.name()).isEqualTo("other");
      assertThat(((DenseLinear) renamed).isInputFirst()).isTrue();
      assertThat(((DenseLinear) renamed).weight()).isSameAs(((DenseLinear) layer).weight());
    }
  }
}
