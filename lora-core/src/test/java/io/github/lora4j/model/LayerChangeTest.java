package io.github.lora4j.model;

import static io.github.lora4j.testing.Fixtures.relativeDifference;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import io.github.lora4j.data.Batch;
import io.github.lora4j.nn.BiasedLinear;
import io.github.lora4j.nn.DenseLinear;
import io.github.lora4j.nn.Embedding;
import io.github.lora4j.nn.EmbeddingLayer;
import io.github.lora4j.nn.ForwardContext;
import io.github.lora4j.nn.LayerChange;
import io.github.lora4j.nn.LinearLayer;
import io.github.lora4j.nn.Norm;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Generator;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import io.github.lora4j.testing.FamilyCase;
import io.github.lora4j.testing.Fixtures;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What adapters can put in place of embeddings, norms, biases and a tied head. */
class LayerChangeTest {

  private static final Batch BATCH =
      new Batch(1, 4, new int[] {1, 5, 9, 5}, new int[] {1, 1, 1, 1}, new int[] {-100, 5, 9, 5});

  @TempDir Path dir;
  private CausalLM base;
  private TensorScope scope;

  @BeforeEach
  void load() {
    base = AutoModelForCausalLM.fromPretrained(Fixtures.path("/llama/llama3/base"));
    scope = TensorScope.open();
  }

  @AfterEach
  void close() {
    scope.close();
    base.close();
  }

  private static LayerChange embeddings(UnaryOperator<EmbeddingLayer> change) {
    return new LayerChange() {
      @Override
      public LinearLayer apply(LinearLayer layer) {
        return layer;
      }

      @Override
      public EmbeddingLayer embedding(EmbeddingLayer table) {
        return change.apply(table);
      }
    };
  }

  private static LayerChange norms(UnaryOperator<Norm> change) {
    return new LayerChange() {
      @Override
      public LinearLayer apply(LinearLayer layer) {
        return layer.share();
      }

      @Override
      public Norm norm(Norm norm) {
        return change.apply(norm);
      }
    };
  }

  private record Outcome(double loss, Map<String, float[]> gradients) {}

  private static Outcome step(CausalLM model, UnaryOperator<ForwardContext> how) {
    try (TensorScope own = TensorScope.open();
        Generator dropout = Generator.of(1)) {
      double loss = model.lossAndBackward(BATCH, 1, how.apply(ForwardContext.training(dropout)));
      Map<String, float[]> gradients = new LinkedHashMap<>();
      model
          .trainableParameters()
          .forEach(
              (name, parameter) -> {
                gradients.put(name, parameter.grad().orElseThrow().toFloatArray());
                parameter.clearGrad();
              });
      return new Outcome(loss, gradients);
    }
  }

  private static void assertSame(Outcome actual, Outcome expected) {
    assertThat(actual.loss()).isCloseTo(expected.loss(), within(1e-5));
    assertThat(actual.gradients().keySet()).isEqualTo(expected.gradients().keySet());
    expected
        .gradients()
        .forEach(
            (name, gradient) ->
                assertThat(relativeDifference(actual.gradients().get(name), gradient))
                    .as(name)
                    .isLessThan(1e-5));
  }

  @Test
  void aModelListsItsTablesAndNorms() {
    assertThat(base.embeddings())
        .extracting(EmbeddingLayer::name)
        .containsExactly("model.embed_tokens");
    assertThat(base.embeddings().get(0).numEmbeddings()).isEqualTo(64);
    assertThat(base.norms())
        .extracting(Norm::name)
        .containsExactly(
            "model.layers.0.input_layernorm",
            "model.layers.0.post_attention_layernorm",
            "model.layers.1.input_layernorm",
            "model.layers.1.post_attention_layernorm",
            "model.norm");
  }

  @Test
  void aReplacedEmbeddingLeavesTheTiedHeadUnlessItFollows() {
    Tensor two = Tensor.full(2, DType.F32, Device.CPU, 1);
    LayerChange alone = embeddings(table -> new ScaledEmbedding(table, two));
    LayerChange together =
        new LayerChange() {
          @Override
          public LinearLayer apply(LinearLayer layer) {
            return layer;
          }

          @Override
          public EmbeddingLayer embedding(EmbeddingLayer table) {
            return new ScaledEmbedding(table, two);
          }

          @Override
          public LinearLayer tiedHead(LinearLayer head, EmbeddingLayer table) {
            assertThat(table).isInstanceOf(ScaledEmbedding.class);
            return ((DenseLinear) head).withWeight(((DenseLinear) head).weight().mul(2));
          }
        };
    Tensor expected;
    try (CausalLM doubled = base.shareWith(owned(2))) {
      assertThat(doubled.spec().tieWordEmbeddings()).isFalse();
      expected = TensorScope.keep(doubled.logits(BATCH));
    }
    assertThat(base.withLinears(alone).logits(BATCH).equal(expected)).isTrue();
    assertThat(relativeDifference(base.withLinears(together).logits(BATCH), expected.mul(2)))
        .isLessThan(1e-6);
    assertThat(base.withLinears(alone).parameters()).doesNotContainKey("lm_head.weight");
    expected.close();
  }

  /** A model of its own with another table. */
  private static LayerChange owned(double factor) {
    return new LayerChange() {
      @Override
      public LinearLayer apply(LinearLayer layer) {
        return layer.share();
      }

      @Override
      public EmbeddingLayer embedding(EmbeddingLayer table) {
        return new Embedding(
            table.name(), TensorScope.keep(((Embedding) table).weight().mul(factor)));
      }
    };
  }

  @Test
  void aModelWithATableOfItsOwnIsSavedWithBoth() {
    Tensor expected;
    try (CausalLM doubled = base.shareWith(owned(2))) {
      expected = doubled.logits(BATCH);
      doubled.savePretrained(dir);
    }
    try (CausalLM again = AutoModelForCausalLM.fromPretrained(dir)) {
      assertThat(again.logits(BATCH).equal(expected)).isTrue();
      assertThat(again.parameters()).containsKey("lm_head.weight");
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aDecoratedEmbeddingLearns(boolean checkpointing) {
    Tensor factor = Tensor.full(1.5, DType.F32, Device.CPU, 1).requiresGrad(true);
    CausalLM view = base.withLinears(embeddings(table -> new ScaledEmbedding(table, factor)));
    assertThat(view.trainableParameters()).containsOnlyKeys("model.embed_tokens.factor");
    Outcome plain = step(view, context -> context.plain(true));
    assertThat(plain.gradients().get("model.embed_tokens.factor")[0]).isNotZero();
    assertSame(step(view, context -> context.gradientCheckpointing(checkpointing)), plain);
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void copiesOfNormsLearnWhateverTheirDtype(boolean half) {
    DType dtype = half ? DType.BF16 : DType.F32;
    LoadOptions options = LoadOptions.builder().dtype(dtype).build();
    try (CausalLM model =
        AutoModelForCausalLM.fromPretrained(Fixtures.path("/llama/llama3/base"), options)) {
      Map<String, Tensor> copies = new HashMap<>();
      CausalLM view =
          model.withLinears(
              new LayerChange() {
                @Override
                public LinearLayer apply(LinearLayer layer) {
                  return layer;
                }

                @Override
                public Norm norm(Norm norm) {
                  return norm.with(
                      norm.name(),
                      weight ->
                          copies.computeIfAbsent(
                              norm.name(), name -> weight.to(DType.F32).copy().requiresGrad(true)));
                }
              });
      assertThat(view.logits(BATCH).dtype()).isEqualTo(dtype);
      assertThat(view.logits(BATCH).equal(model.logits(BATCH))).isTrue();
      assertThat(view.trainableParameters()).hasSize(5);
      Outcome step = step(view, context -> context);
      assertThat(step.gradients()).hasSize(5);
      if (!half) {
        assertSame(step, step(view, context -> context.plain(true)));
      }
    }
  }

  @Test
  void aModelOfItsOwnTakesNormsOver() {
    Tensor expected;
    try (CausalLM own =
        base.shareWith(
            norms(
                norm ->
                    norm.name().equals("model.norm")
                        ? norm.with(norm.name(), weight -> TensorScope.keep(weight.mul(3)))
                        : norm))) {
      expected = own.logits(BATCH);
      own.savePretrained(dir);
    }
    assertThat(relativeDifference(base.logits(BATCH).mul(3), expected)).isLessThan(1e-6);
    try (CausalLM again = AutoModelForCausalLM.fromPretrained(dir)) {
      assertThat(again.logits(BATCH).equal(expected)).isTrue();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"gpt2", "qwen2", "llama"})
  void aBiasLearnsBesideAFrozenWeight(String family) {
    FamilyCase parity =
        new FamilyCase(family, Fixtures.path("/families/" + family)).expandedInto(dir);
    try (CausalLM model = AutoModelForCausalLM.fromPretrained(parity.base())) {
      CausalLM view =
          model.withLinears(
              layer -> {
                DenseLinear dense = (DenseLinear) layer;
                Tensor bias =
                    dense
                        .bias()
                        .map(Tensor::copy)
                        .orElseGet(() -> Tensor.zeros(DType.F32, Device.CPU, dense.outFeatures()));
                return layer.name().equals("lm_head")
                    ? layer
                    : dense.withBias(bias.requiresGrad(true));
              });
      assertThat(relativeDifference(view.logits(BATCH), model.logits(BATCH))).isLessThan(1e-6);
      assertThat(view.trainableParameters().keySet())
          .isNotEmpty()
          .allMatch(name -> name.endsWith(".bias"));
      assertSame(step(view, context -> context), step(view, context -> context.plain(true)));
      Tensor weight = ((DenseLinear) model.linearLayers().get(0)).weight();
      assertThat(((DenseLinear) view.linearLayers().get(0)).weight()).isSameAs(weight);
    }
  }

  @Test
  void aBiasIsRoundedToTheLayersDtypeAndLearnsInItsOwn() {
    Tensor weight = Tensor.full(0.5, DType.BF16, Device.CPU, 3, 2);
    Tensor bias = Tensor.of(new float[] {1, 2, 3}, 3);
    BiasedLinear layer = new DenseLinear("x", weight, Optional.empty()).withBias(bias);
    Tensor y = layer.forward(Tensor.full(1, DType.BF16, Device.CPU, 1, 2), ForwardContext.eval());
    assertThat(y.dtype()).isEqualTo(DType.BF16);
    assertThat(y.to(DType.F32).toFloatArray()).containsExactly(2, 3, 4);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> layer.withBias(Tensor.of(new float[2], 2)))
        .withMessageContaining("x.bias: expected [3]");
    assertThat(layer.renamed("y").name()).isEqualTo("y");
  }

  @Test
  void changesOfOneTableDoNotTouchTheBase() {
    Tensor before = base.logits(BATCH);
    Tensor zero = Tensor.zeros(DType.F32, Device.CPU, 1);
    base.withLinears(embeddings(table -> new ScaledEmbedding(table, zero))).logits(BATCH);
    assertThat(base.logits(BATCH).equal(before)).isTrue();
    assertThat(List.copyOf(base.parameters().keySet())).contains("model.embed_tokens.weight");
  }
}
