package io.github.lora4j.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.github.lora4j.error.CheckpointFormatException;
import io.github.lora4j.io.Checkpoint;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Checkpoints that call tensors otherwise, or hold more than is needed. */
class StoredNamesTest {

  private static final int[] IDS = {4, 9, 33, 7, 21};
  private static final int[] MASK = {1, 1, 1, 1, 1};

  @TempDir private Path dir;

  private Path saved(String model) {
    Path folder = dir.resolve("saved");
    try (CausalLM made = GptLikeModels.model(model)) {
      made.savePretrained(folder);
    }
    return folder;
  }

  private Path changed(Path source, Consumer<Map<String, Tensor>> change) throws IOException {
    return ChangedFolder.of(source, dir.resolve("changed"), change, json -> json);
  }

  private static void rename(Map<String, Tensor> tensors, UnaryOperator<String> name) {
    Map<String, Tensor> renamed = new LinkedHashMap<>();
    tensors.forEach((old, tensor) -> renamed.put(name.apply(old), tensor));
    tensors.clear();
    tensors.putAll(renamed);
  }

  private static void buffer(Map<String, Tensor> tensors, String name) {
    tensors.put(name, Tensor.full(1, DType.F32, Device.CPU, 1, 1, 4, 4));
  }

  private static void assertSameAnswers(Path one, Path other) {
    try (CausalLM first = AutoModelForCausalLM.fromPretrained(one);
        CausalLM second = AutoModelForCausalLM.fromPretrained(other);
        TensorScope scope = TensorScope.open()) {
      assertThat(second.logits(IDS, MASK, 1).equal(first.logits(IDS, MASK, 1))).isTrue();
      assertThat(second.parameters().keySet()).isEqualTo(first.parameters().keySet());
    }
  }

  @Test
  void gpt2IsReadWithoutThePrefixAndWithItsOldBuffers() throws IOException {
    Path folder = saved("gpt2: 'max_position_embeddings': 40");
    Path old =
        changed(
            folder,
            tensors -> {
              rename(tensors, name -> name.replaceFirst("^transformer\\.", ""));
              assertThat(tensors).containsKeys("wte.weight", "h.1.attn.c_attn.bias");
              buffer(tensors, "h.0.attn.bias");
              buffer(tensors, "h.1.attn.masked_bias");
            });
    assertSameAnswers(folder, old);
  }

  @Test
  void gptNeoXIsReadWithItsOldBuffers() throws IOException {
    Path folder = saved("gpt_neox: 'rotary_pct': 0.5");
    Path old =
        changed(
            folder,
            tensors -> {
              buffer(tensors, "gpt_neox.layers.0.attention.bias");
              buffer(tensors, "gpt_neox.layers.0.attention.masked_bias");
              buffer(tensors, "gpt_neox.layers.1.attention.rotary_emb.inv_freq");
            });
    assertSameAnswers(folder, old);
  }

  @Test
  void gptNeoXsHeadIsWrittenAsTransformersDoesAndReadEitherWay() throws IOException {
    Path folder = saved("gpt_neox: 'rotary_pct': 0.5");
    try (Checkpoint checkpoint = Checkpoint.open(folder)) {
      assertThat(checkpoint.names()).contains("embed_out.weight").doesNotContain("lm_head.weight");
    }
    Path other =
        changed(
            folder,
            tensors ->
                rename(tensors, name -> name.equals("embed_out.weight") ? "lm_head.weight" : name));
    assertSameAnswers(folder, other);
    try (CausalLM model = AutoModelForCausalLM.fromPretrained(folder)) {
      assertThat(model.headName()).isEqualTo("lm_head");
      assertThat(model.parameters()).containsKey("lm_head.weight");
    }
  }

  @Test
  void aTiedModelMayHoldItsHeadUnderTheStoredNameToo() throws IOException {
    Path folder = saved("gpt_neox: 'tie_word_embeddings': true");
    Path same =
        changed(
            folder,
            tensors -> tensors.put("embed_out.weight", tensors.get("gpt_neox.embed_in.weight")));
    assertSameAnswers(folder, same);
    Path other =
        ChangedFolder.of(
            folder,
            dir.resolve("other"),
            tensors ->
                tensors.put("embed_out.weight", tensors.get("gpt_neox.embed_in.weight").mul(2)),
            json -> json);
    try (CausalLM model = AutoModelForCausalLM.fromPretrained(other)) {
      assertThat(model.spec().tieWordEmbeddings()).isFalse();
    }
  }

  @Test
  void aNameThatNobodyKnowsIsStillUnexpected() throws IOException {
    Path folder = saved("gpt2: 'max_position_embeddings': 40");
    Path odd = changed(folder, tensors -> buffer(tensors, "h.0.attn.other_bias"));
    assertThatExceptionOfType(CheckpointFormatException.class)
        .isThrownBy(() -> AutoModelForCausalLM.fromPretrained(odd))
        .withMessageContaining("unexpected: h.0.attn.other_bias");
  }

  @Test
  void everyFamilyKeepsItsNamesWhereTheyAreThoseOfTransformers() {
    for (String model : GptLikeModels.ALL) {
      ModelFamily family = ModelFamilies.of(GptLikeModels.config(model));
      Set<String> names;
      try (CausalLM made = GptLikeModels.model(model)) {
        names = made.parameters().keySet();
      }
      assertThat(names)
          .filteredOn(name -> !family.storedName(name).equals(name))
          .isSubsetOf("lm_head.weight");
    }
  }
}
