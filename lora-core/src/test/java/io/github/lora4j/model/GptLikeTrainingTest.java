package io.github.lora4j.model;

import static io.github.lora4j.testing.Fixtures.relativeDifference;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import io.github.lora4j.data.Batch;
import io.github.lora4j.data.PaddingCollator;
import io.github.lora4j.data.TokenizedExample;
import io.github.lora4j.generate.GenerationConfig;
import io.github.lora4j.generate.TokenGenerator;
import io.github.lora4j.nn.ForwardContext;
import io.github.lora4j.peft.InitLoraWeights;
import io.github.lora4j.peft.LoraConfig;
import io.github.lora4j.peft.PeftModel;
import io.github.lora4j.tensor.Generator;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Training, generation and saving of families that differ much from Llama, both ways. */
class GptLikeTrainingTest {

  static final List<String> MODELS = GptLikeModels.ALL;

  private record Outcome(double loss, Map<String, float[]> gradients) {}

  private static Outcome step(
      PreTrainedModel model, Batch batch, UnaryOperator<ForwardContext> how) {
    try (TensorScope scope = TensorScope.open();
        Generator dropout = Generator.of(5)) {
      ForwardContext context = how.apply(ForwardContext.training(dropout));
      double loss = model.lossAndBackward(batch, 1.0 / batch.supervisedTokens(), context);
      Map<String, float[]> gradients = new LinkedHashMap<>();
      model
          .trainableParameters()
          .forEach(
              (name, parameter) -> {
                parameter.grad().ifPresent(found -> gradients.put(name, found.toFloatArray()));
                parameter.clearGrad();
              });
      return new Outcome(loss, gradients);
    }
  }

  private static void assertSame(Outcome actual, Outcome expected) {
    assertThat(actual.loss()).isCloseTo(expected.loss(), within(1e-5 * expected.loss()));
    assertThat(actual.gradients()).hasSameSizeAs(expected.gradients());
    expected
        .gradients()
        .forEach(
            (name, gradient) -> {
              // Biases of keys make no difference to the softmax: their gradients are rounding.
              if (!name.endsWith("k_proj.bias")) {
                assertThat(relativeDifference(actual.gradients().get(name), gradient))
                    .as(name)
                    .isLessThan(1e-3);
              }
            });
  }

  private static Batch batch(int... lengths) {
    SplittableRandom random = new SplittableRandom(2);
    List<TokenizedExample> examples = new ArrayList<>();
    for (int length : lengths) {
      int[] ids = random.ints(length, 3, 60).toArray();
      examples.add(new TokenizedExample(ids, ids.clone()));
    }
    return PaddingCollator.of(0).collate(examples);
  }

  private static PeftModel<CausalLM> adapted(CausalLM base, double dropout) {
    return PeftModel.wrap(
        base,
        LoraConfig.builder()
            .r(4)
            .dropout(dropout)
            .targetModules("all-linear")
            .initLoraWeights(InitLoraWeights.RANDOM)
            .build());
  }

  @ParameterizedTest
  @FieldSource("MODELS")
  void anAdapterHasTheGradientsOfThePlainWay(String name) {
    Batch batch = batch(9, 3, 17);
    try (CausalLM base = GptLikeModels.model(name);
        PeftModel<CausalLM> peft = adapted(base, 0)) {
      Outcome plain = step(peft, batch, context -> context.plain(true));
      assertThat(plain.gradients()).hasSize(2 * peft.targetedModuleNames().size());
      assertSame(step(peft, batch, context -> context), plain);
      assertSame(step(peft, batch, context -> context.gradientCheckpointing(true)), plain);
    }
  }

  @ParameterizedTest
  @FieldSource("MODELS")
  void recomputingDrawsTheSameDropout(String name) {
    Batch batch = batch(9, 9);
    try (CausalLM base = GptLikeModels.model(name);
        PeftModel<CausalLM> peft = adapted(base, 0.3)) {
      Outcome kept = step(peft, batch, context -> context);
      assertSame(step(peft, batch, context -> context.gradientCheckpointing(true)), kept);
    }
  }

  @ParameterizedTest
  @FieldSource("MODELS")
  void aModelThatLearnsItselfHasTheGradientsOfThePlainWay(String name) {
    Batch batch = batch(9, 3, 17);
    try (CausalLM model = GptLikeModels.model(name).requiresGrad(true)) {
      Outcome plain = step(model, batch, context -> context.plain(true));
      assertThat(plain.gradients()).hasSameSizeAs(model.parameters());
      assertSame(step(model, batch, context -> context), plain);
      assertSame(step(model, batch, context -> context.gradientCheckpointing(true)), plain);
    }
  }

  @ParameterizedTest
  @FieldSource("MODELS")
  void aSavedModelAnswersTheSame(String name, @TempDir Path dir) throws IOException {
    Batch batch = batch(7, 4);
    try (CausalLM base = GptLikeModels.model(name);
        PeftModel<CausalLM> peft = adapted(base, 0);
        CausalLM merged = peft.mergeAndUnload();
        TensorScope scope = TensorScope.open()) {
      Tensor expected = merged.logits(batch);
      assertThat(relativeDifference(expected, peft.model().logits(batch))).isLessThan(1e-4);
      merged.savePretrained(dir);
      try (CausalLM again = AutoModelForCausalLM.fromPretrained(dir)) {
        assertThat(again.logits(batch).equal(expected)).isTrue();
        assertThat(again.parameters().keySet()).isEqualTo(merged.parameters().keySet());
      }
    }
  }

  @ParameterizedTest
  @FieldSource("MODELS")
  void theCacheAndPaddingOnTheLeftMakeNoDifference(String name) {
    int[][] prompts = {{5, 9, 30, 4, 17, 8, 21}, {7, 41, 12}};
    GenerationConfig config = GenerationConfig.builder().maxNewTokens(8).build();
    try (CausalLM model = GptLikeModels.model(name);
        TensorScope scope = TensorScope.open()) {
      List<int[]> together = TokenGenerator.generate(model, prompts, config);
      for (int row = 0; row < prompts.length; row++) {
        int[] all = prompts[row];
        for (int i = 0; i < 8; i++) {
          int[] mask = new int[all.length];
          Arrays.fill(mask, 1);
          float[] scores = model.logits(all, mask, 1).toFloatArray();
          all = Arrays.copyOf(all, all.length + 1);
          all[all.length - 1] = largest(scores, scores.length - 60) - (scores.length - 60);
        }
        assertThat(together.get(row))
            .containsExactly(Arrays.copyOfRange(all, prompts[row].length, all.length));
      }
    }
  }

  private static int largest(float[] scores, int from) {
    int best = from;
    for (int i = from; i < scores.length; i++) {
      best = scores[i] > scores[best] ? i : best;
    }
    return best;
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "gpt2: 'max_position_embeddings': 10",
        "opt: 'ffn_dim': 24, 'max_position_embeddings': 10"
      })
  void morePositionsThanWereLearnedAreRefused(String name) {
    try (CausalLM model = GptLikeModels.model(name);
        PeftModel<CausalLM> peft = adapted(model, 0);
        TensorScope scope = TensorScope.open()) {
      model.logits(batch(10));
      for (Runnable use :
          List.<Runnable>of(
              () -> model.logits(batch(11)),
              () -> step(peft, batch(3, 11), context -> context),
              () -> model.loss(batch(11), ForwardContext.eval()))) {
        assertThatIllegalArgumentException()
            .isThrownBy(use::run)
            .withMessageContaining("expected less than 10, the learned positions");
      }
      assertThatIllegalArgumentException()
          .isThrownBy(() -> model.startDecoding(new int[][] {{3}}, 11))
          .withMessageContaining("maxLength: expected at most 10 positions");
    }
  }

  @Test
  void projectionsAroundTheBlocksAreLinearLayersToAnAdapter() {
    String name = "opt: 'ffn_dim': 24, 'word_embed_proj_dim': 12";
    try (CausalLM base = GptLikeModels.model(name);
        PeftModel<CausalLM> peft = adapted(base, 0)) {
      assertThat(peft.targetedModuleNames())
          .contains("model.decoder.project_in", "model.decoder.project_out")
          .doesNotContain("lm_head");
    }
  }
}
