package io.github.lora4j.peft;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.lora4j.data.Batch;
import io.github.lora4j.generate.GenerationConfig;
import io.github.lora4j.generate.TokenGenerator;
import io.github.lora4j.model.AutoModelForCausalLM;
import io.github.lora4j.model.CausalLM;
import io.github.lora4j.nn.ForwardContext;
import io.github.lora4j.tensor.Generator;
import io.github.lora4j.tensor.NativeMemory;
import io.github.lora4j.testing.Fixtures;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Steps and generations of other adapters than LoRA leave no native memory behind. */
class TunedModelMemoryIT {

  static List<PeftConfig> kinds() {
    return TunedModelTest.all();
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void stepsAndGenerationsLeaveNothing(PeftConfig config) {
    try (CausalLM base = AutoModelForCausalLM.fromPretrained(Fixtures.path("/llama/llama/base"));
        Generator dropout = Generator.of(1)) {
      long before = 0;
      for (int i = 0; i < 30; i++) {
        try (TunedModel<CausalLM> tuned = TunedModel.wrap(base, config)) {
          work(tuned, new SplittableRandom(i), ForwardContext.training(dropout));
        }
        if (i == 9) {
          before = handles();
        }
      }
      assertThat(handles()).isLessThanOrEqualTo(before);
    }
  }

  private static long handles() {
    System.gc();
    return NativeMemory.liveHandles();
  }

  private static void work(
      TunedModel<CausalLM> tuned, SplittableRandom random, ForwardContext context) {
    int[] ids = random.ints(24, 3, 64).toArray();
    int[] mask = new int[24];
    Arrays.fill(mask, 1);
    mask[23] = 0;
    Batch batch = new Batch(2, 12, ids, mask, ids.clone());
    tuned.lossAndBackward(batch, 1, context);
    tuned.lossAndBackward(batch, 1, context.gradientCheckpointing(true));
    tuned.loss(batch, ForwardContext.eval());
    int[][] prompts = {random.ints(9, 3, 64).toArray(), random.ints(5, 3, 64).toArray()};
    TokenGenerator.generate(
        tuned.model(), prompts, GenerationConfig.builder().maxNewTokens(4).build());
    if (canMerge(tuned)) {
      tuned.mergeAdapter();
      tuned.unmergeAdapter();
    }
  }

  private static boolean canMerge(TunedModel<CausalLM> tuned) {
    return tuned.config() instanceof Ia3Config || tuned.config() instanceof LnTuningConfig;
  }
}
