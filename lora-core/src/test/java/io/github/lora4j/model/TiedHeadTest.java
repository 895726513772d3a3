package io.github.lora4j.model;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.lora4j.data.Batch;
import io.github.lora4j.peft.InitLoraWeights;
import io.github.lora4j.peft.LoraConfig;
import io.github.lora4j.peft.PeftModel;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import io.github.lora4j.testing.Fixtures;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TiedHeadTest {

  private static final Path TIED = Fixtures.path("/llama/llama3/base");
  private static final Batch BATCH =
      new Batch(1, 3, new int[] {1, 5, 9}, new int[] {1, 1, 1}, new int[] {-100, 5, 9});

  @TempDir Path dir;
  @TempDir Path saved;

  @Test
  void aHeadOfItsOwnInTheFileWinsOverTheConfiguration() throws IOException {
    // As in transformers 5: both tensors are there and differ, so they are not tied.
    Path folder =
        ChangedFolder.of(
            TIED,
            dir,
            tensors ->
                tensors.put("lm_head.weight", tensors.get("model.embed_tokens.weight").mul(2)),
            json -> json);
    try (TensorScope scope = TensorScope.open();
        CausalLM tied = AutoModelForCausalLM.fromPretrained(TIED);
        CausalLM own = AutoModelForCausalLM.fromPretrained(folder)) {
      assertThat(own.parameters()).containsKey("lm_head.weight");
      assertThat(own.logits(BATCH).equal(tied.logits(BATCH).mul(2))).isTrue();
      own.savePretrained(saved);
      assertThat(ModelConfig.load(saved).flag("tie_word_embeddings", true)).isFalse();
      try (CausalLM again = AutoModelForCausalLM.fromPretrained(saved)) {
        assertThat(again.logits(BATCH).equal(own.logits(BATCH))).isTrue();
      }
    }
  }

  @Test
  void anAdapterMergedIntoATiedHeadUntiesItAndIsSaved() {
    LoraConfig config =
        LoraConfig.builder()
            .targetModules("lm_head", "q_proj")
            .initLoraWeights(InitLoraWeights.RANDOM)
            .build();
    try (TensorScope scope = TensorScope.open();
        CausalLM base = AutoModelForCausalLM.fromPretrained(TIED);
        PeftModel<CausalLM> peft = PeftModel.wrap(base, config);
        CausalLM merged = peft.mergeAndUnload()) {
      assertThat(merged.parameters()).containsKey("lm_head.weight");
      Tensor expected = merged.logits(BATCH);
      assertThat(Fixtures.relativeDifference(expected, peft.model().logits(BATCH)))
          .isLessThan(1e-5);
      merged.savePretrained(saved);
      try (CausalLM again = AutoModelForCausalLM.fromPretrained(saved)) {
        assertThat(again.logits(BATCH).equal(expected)).isTrue();
      }
      assertThat(base.parameters()).doesNotContainKey("lm_head.weight");
    }
  }

  @Test
  void otherAdaptersLeaveTheHeadTied() {
    LoraConfig config = LoraConfig.builder().targetModules("q_proj").build();
    try (CausalLM base = AutoModelForCausalLM.fromPretrained(TIED);
        PeftModel<CausalLM> peft = PeftModel.wrap(base, config);
        CausalLM merged = peft.mergeAndUnload()) {
      assertThat(merged.parameters().keySet()).isEqualTo(base.parameters().keySet());
      merged.savePretrained(saved);
      assertThat(ModelConfig.load(saved).flag("tie_word_embeddings", false)).isTrue();
    }
  }
}
