package io.github.lora4j.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.lora4j.data.Batch;
import io.github.lora4j.data.TokenizedExample;
import io.github.lora4j.nn.ForwardContext;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Functional;
import io.github.lora4j.tensor.Generator;
import io.github.lora4j.tensor.NoGrad;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import io.github.lora4j.testing.Fixtures;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ChunkedLossTest {

  private static final int ROWS = 12;
  private static final int LENGTH = 60;

  /** More than 600 supervised positions: three chunks, the last one short. */
  private static Batch batch(int firstRow, int rows) {
    SplittableRandom random = new SplittableRandom(3);
    int[] ids = random.ints(ROWS * LENGTH, 3, 64).toArray();
    int[] labels = ids.clone();
    for (int i = 0; i < labels.length; i += 11) {
      labels[i] = TokenizedExample.IGNORE_INDEX;
    }
    int from = firstRow * LENGTH;
    int to = from + rows * LENGTH;
    int[] mask = new int[to - from];
    Arrays.fill(mask, 1);
    return new Batch(
        rows,
        LENGTH,
        Arrays.copyOfRange(ids, from, to),
        mask,
        Arrays.copyOfRange(labels, from, to));
  }

  private static Map<String, float[]> takeGradients(CausalLM model) {
    Map<String, float[]> gradients = new LinkedHashMap<>();
    try (TensorScope scope = TensorScope.open()) {
      model
          .trainableParameters()
          .forEach(
              (name, parameter) -> {
                gradients.put(name, parameter.grad().orElseThrow().toFloatArray());
                parameter.clearGrad();
              });
    }
    return gradients;
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void manyChunksGiveTheLossAndTheGradientsOfTheRowsAlone(boolean checkpointing) {
    Batch whole = batch(0, ROWS);
    assertThat(whole.supervisedTokens()).isGreaterThan(2 * 256).isNotEqualTo(3 * 256);
    try (CausalLM model = AutoModelForCausalLM.fromPretrained(Fixtures.path("/llama/llama3/base"));
        Generator dropout = Generator.of(1)) {
      model.requiresGrad(true);
      ForwardContext context =
          ForwardContext.training(dropout).gradientCheckpointing(checkpointing);
      double loss = model.lossAndBackward(whole, 0.01, context);
      Map<String, float[]> gradients = takeGradients(model);
      double sum = 0;
      for (int row = 0; row < ROWS; row++) {
        sum += model.lossAndBackward(batch(row, 1), 0.01, context);
      }
      assertThat(loss).isCloseTo(sum, within(1e-5 * sum));
      assertThat(model.loss(whole, ForwardContext.eval())).isCloseTo(sum, within(1e-5 * sum));
      takeGradients(model)
          .forEach(
              (name, gradient) ->
                  assertThat(Fixtures.relativeDifference(gradients.get(name), gradient))
                      .as(name)
                      .isLessThan(1e-5));
    }
  }

  @Test
  void theLossIsTheCrossEntropyOfTheWholeLogits() {
    Batch batch = batch(0, ROWS);
    try (CausalLM model = AutoModelForCausalLM.fromPretrained(Fixtures.path("/llama/llama/base"));
        TensorScope scope = TensorScope.open();
        NoGrad noGrad = NoGrad.open()) {
      Tensor logits = model.logits(batch).to(DType.F32).narrow(1, 0, LENGTH - 1);
      long[] next = new long[ROWS * (LENGTH - 1)];
      for (int i = 0; i < next.length; i++) {
        next[i] = batch.labels()[i / (LENGTH - 1) * LENGTH + i % (LENGTH - 1) + 1];
      }
      double whole =
          Functional.crossEntropySum(
                  logits.reshape(next.length, 64), Tensor.of(next, next.length), -100, 0)
              .item();
      assertThat(model.loss(batch, ForwardContext.eval())).isCloseTo(whole, within(1e-5 * whole));
    }
  }
}
