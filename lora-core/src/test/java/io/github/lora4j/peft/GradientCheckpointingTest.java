package io.github.lora4j.peft;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.lora4j.data.Batch;
import io.github.lora4j.io.SafeTensors;
import io.github.lora4j.model.AutoModelForCausalLM;
import io.github.lora4j.model.CausalLM;
import io.github.lora4j.model.PreTrainedModel;
import io.github.lora4j.nn.ForwardContext;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Generator;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import io.github.lora4j.testing.Fixtures;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GradientCheckpointingTest {

  private static final Path LLAMA = Fixtures.path("/llama/llama");

  private record Outcome(double loss, Map<String, float[]> gradients, float nextRandom) {}

  private static Outcome step(PreTrainedModel model, boolean checkpointing) {
    return step(model, checkpointing, false);
  }

  private static Outcome step(PreTrainedModel model, boolean checkpointing, boolean autocast) {
    try (TensorScope scope = TensorScope.open();
        Generator dropout = Generator.of(7);
        SafeTensors batches = SafeTensors.open(LLAMA.resolve("train/batches.safetensors"))) {
      Batch batch = Fixtures.batch(batches, ".0");
      ForwardContext context =
          ForwardContext.training(dropout).gradientCheckpointing(checkpointing);
      if (autocast) {
        context = context.autocast(DType.BF16);
      }
      double loss = model.lossAndBackward(batch, 1.0 / batch.supervisedTokens(), context);
      Map<String, float[]> gradients = new LinkedHashMap<>();
      model
          .trainableParameters()
          .forEach(
              (name, parameter) -> {
                gradients.put(name, parameter.grad().orElseThrow().toFloatArray());
                parameter.clearGrad();
              });
      return new Outcome(loss, gradients, Tensor.uniform(0, 1, dropout, 1).toFloatArray()[0]);
    }
  }

  private static void assertSame(Outcome actual, Outcome expected) {
    assertThat(actual.loss()).isEqualTo(expected.loss());
    assertThat(actual.nextRandom()).isEqualTo(expected.nextRandom());
    assertThat(actual.gradients().keySet()).isEqualTo(expected.gradients().keySet());
    expected
        .gradients()
        .forEach(
            (name, gradient) ->
                assertThat(Fixtures.relativeDifference(actual.gradients().get(name), gradient))
                    .as(name)
                    .isLessThan(1e-5));
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void recomputingBlocksGivesTheGradientsOfKeepingThem(boolean autocast) {
    LoraConfig config =
        LoraConfig.builder()
            .r(4)
            .alpha(8)
            .dropout(0.3)
            .targetModules("all-linear")
            .initLoraWeights(InitLoraWeights.RANDOM)
            .build();
    try (CausalLM base = AutoModelForCausalLM.fromPretrained(LLAMA.resolve("base"));
        PeftModel<CausalLM> peft = PeftModel.wrap(base, config)) {
      assertSame(step(peft, true, autocast), step(peft, false, autocast));
    }
  }

  @Test
  void blocksBelowTheLowestAdapterAreNotGoneThrough() {
    LoraConfig config =
        LoraConfig.builder()
            .targetModules("q_proj")
            .layersToTransform(1)
            .initLoraWeights(InitLoraWeights.RANDOM)
            .build();
    try (CausalLM base = AutoModelForCausalLM.fromPretrained(LLAMA.resolve("base"));
        PeftModel<CausalLM> peft = PeftModel.wrap(base, config)) {
      assertSame(step(peft, true), step(peft, false));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"llama", "llama3"})
  void allParametersOfAModelCanLearn(String name) {
    Path folder = Fixtures.path("/llama/" + name).resolve("base");
    try (CausalLM model = AutoModelForCausalLM.fromPretrained(folder)) {
      model.requiresGrad(true);
      Outcome kept = step(model, false);
      assertThat(kept.gradients().keySet()).isEqualTo(model.parameters().keySet());
      assertSame(step(model, true), kept);
      assertSame(step(model, true, true), step(model, false, true));
    }
  }
}
