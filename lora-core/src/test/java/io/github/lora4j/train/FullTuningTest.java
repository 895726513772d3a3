package io.github.lora4j.train;

import static io.github.lora4j.testing.Fixtures.relativeDifference;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.github.lora4j.io.SafeTensors;
import io.github.lora4j.model.AutoModelForCausalLM;
import io.github.lora4j.model.CausalLM;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import io.github.lora4j.testing.TunerCase;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Tuning without an adapter, of all parameters or some, compared with transformers. */
class FullTuningTest {

  private static final String END = "end.";

  @TempDir Path work;
  @TempDir Path saved;

  @ParameterizedTest
  @CsvSource({
    "whole-llama, false",
    "whole-llama, true",
    "whole-gpt2, false",
    "whole-gpt2, true",
    "last-llama, false",
    "last-llama, true"
  })
  void aRunGivesTheLossesNormsAndWeightsOfTransformers(String name, boolean checkpointing) {
    TunerCase parity = TunerCase.of(name, work);
    try (TensorScope scope = TensorScope.open();
        CausalLM model = load(parity, name)) {
      assertThat(ReferenceRun.largestDifference(parity, model, checkpointing)).isLessThan(1e-4);
      Map<String, Tensor> found = model.parameters();
      try (SafeTensors expected = parity.expected()) {
        for (String tensor : expected.names()) {
          if (tensor.startsWith(END)) {
            Tensor ours = found.get(tensor.substring(END.length()));
            assertThat(relativeDifference(ours, expected.tensor(tensor)))
                .as(tensor)
                .isLessThan(1e-3);
          }
        }
      }
      Tensor logits = model.logits(parity.family().batch());
      assertThat(relativeDifference(logits, parity.expected("logits"))).isLessThan(1e-3);
      model.savePretrained(saved);
      try (CausalLM again = AutoModelForCausalLM.fromPretrained(saved)) {
        assertThat(again.logits(parity.family().batch()).equal(logits)).isTrue();
      }
    }
  }

  private static CausalLM load(TunerCase parity, String name) {
    CausalLM model = AutoModelForCausalLM.fromPretrained(parity.family().base());
    return name.startsWith("whole")
        ? model.requiresGrad(true)
        : model.requiresGrad(
            parameter ->
                parameter.startsWith("model.layers.1.")
                    || parameter.startsWith("model.norm")
                    || parameter.startsWith("lm_head"));
  }

  @Test
  void checkpointsHoldTheWholeModel() {
    TunerCase parity = TunerCase.of("last-llama", work);
    try (TensorScope scope = TensorScope.open();
        CausalLM model = load(parity, "last-llama")) {
      TrainingArguments args =
          TrainingArguments.builder()
              .outputDir(saved)
              .maxSteps(2)
              .perDeviceTrainBatchSize(2)
              .saveStrategy(IntervalStrategy.STEPS)
              .saveSteps(2)
              .disableTqdm(true)
              .build();
      Trainer.builder(model, args).trainDataset(parity.examples()).eosTokenIds().build().train();
      Tensor logits = model.logits(parity.family().batch());
      try (CausalLM again = AutoModelForCausalLM.fromPretrained(saved.resolve("checkpoint-2"))) {
        assertThat(again.logits(parity.family().batch()).equal(logits)).isTrue();
      }
    }
  }

  @Test
  void whatIsFrozenStaysAsItIs() {
    TunerCase parity = TunerCase.of("last-llama", work);
    try (CausalLM model = load(parity, "last-llama")) {
      assertThat(model.trainableParameters().keySet())
          .contains("lm_head.weight", "model.layers.1.mlp.down_proj.weight", "model.norm.weight")
          .doesNotContain("model.embed_tokens.weight", "model.layers.0.mlp.down_proj.weight");
      assertThat(model.requiresGrad(false).trainableParameters()).isEmpty();
      assertThatIllegalArgumentException()
          .isThrownBy(() -> model.requiresGrad(name -> name.contains("layers.7.")))
          .withMessageContaining("such as model.embed_tokens.weight");
    }
  }
}
