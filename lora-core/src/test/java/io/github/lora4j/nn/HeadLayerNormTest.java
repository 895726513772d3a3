package io.github.lora4j.nn;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Functional;
import io.github.lora4j.tensor.Generator;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import io.github.lora4j.testing.Fixtures;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class HeadLayerNormTest {

  private static final int HEADS = 3;
  private static final int HEAD_DIM = 4;

  private static List<Tensor> weights(Generator random) {
    List<Tensor> weights = new ArrayList<>();
    for (int head = 0; head < HEADS; head++) {
      weights.add(TensorScope.keep(Tensor.normal(1, 0.5, random, HEAD_DIM)).requiresGrad(true));
    }
    return weights;
  }

  @Test
  void eachHeadHasALayerNormOfItsOwn() {
    try (TensorScope scope = TensorScope.open();
        Generator random = Generator.of(3)) {
      List<Tensor> weights = weights(random);
      Tensor x = Tensor.normal(0, 1, random, 2, 5, HEADS, HEAD_DIM);
      Tensor dy = Tensor.normal(0, 1, random, 2, 5, HEADS, HEAD_DIM);
      try (HeadLayerNorm norm = new HeadLayerNorm("q", weights, 1e-5)) {
        Tensor expected =
            Tensor.cat(
                List.of(0, 1, 2).stream()
                    .map(
                        head ->
                            Functional.layerNorm(
                                x.narrow(2, head, 1), weights.get(head), Optional.empty(), 1e-5))
                    .toList(),
                2);
        Functional.backward(expected, dy);
        List<float[]> gradients =
            weights.stream().map(weight -> weight.grad().orElseThrow().toFloatArray()).toList();
        weights.forEach(Tensor::clearGrad);

        Tensor y = norm.forward(x);
        assertThat(Fixtures.relativeDifference(y, expected)).isLessThan(1e-6);
        assertThat(norm.forward(x.to(DType.BF16)).dtype()).isEqualTo(DType.BF16);
        Functional.backward(y, dy);
        for (int head = 0; head < HEADS; head++) {
          float[] gradient = weights.get(head).grad().orElseThrow().toFloatArray();
          assertThat(Fixtures.relativeDifference(gradient, gradients.get(head))).isLessThan(1e-5);
        }
      }
    }
  }

  @Test
  void aSharedNormOutlivesTheFirst() {
    try (TensorScope scope = TensorScope.open();
        Generator random = Generator.of(3)) {
      Tensor x = Tensor.normal(0, 1, random, 1, 2, HEADS, HEAD_DIM);
      HeadLayerNorm first = new HeadLayerNorm("q", weights(random), 1e-5);
      Tensor before = first.forward(x);
      try (Norm second = first.share()) {
        first.close();
        assertThat(second.forward(x).equal(before)).isTrue();
        List<String> names = new ArrayList<>();
        second.forEachParameter((name, parameter) -> names.add(name));
        assertThat(names)
            .containsExactly("q.norms.0.weight", "q.norms.1.weight", "q.norms.2.weight");
      }
    }
  }
}
