package io.github.lora4j.model;

import static io.github.lora4j.testing.Fixtures.relativeDifference;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.lora4j.data.Batch;
import io.github.lora4j.data.Dataset;
import io.github.lora4j.data.Packing;
import io.github.lora4j.data.PaddingCollator;
import io.github.lora4j.data.TokenizedExample;
import io.github.lora4j.nn.ForwardContext;
import io.github.lora4j.peft.InitLoraWeights;
import io.github.lora4j.peft.LoraConfig;
import io.github.lora4j.peft.PeftModel;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Generator;
import io.github.lora4j.tensor.TensorScope;
import io.github.lora4j.testing.Fixtures;
import io.github.lora4j.train.IntervalStrategy;
import io.github.lora4j.train.Trainer;
import io.github.lora4j.train.TrainingArguments;
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
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The fast way through a training step against the plain one. */
class FusedTrainingTest {

  private static final Path LLAMA = Fixtures.path("/llama/llama3/base");

  private record Outcome(double loss, Map<String, float[]> gradients) {}

  private static LoraConfig config(double dropout) {
    return LoraConfig.builder()
        .r(4)
        .alpha(8)
        .dropout(dropout)
        .targetModules("all-linear")
        .initLoraWeights(InitLoraWeights.RANDOM)
        .build();
  }

  private static Outcome step(
      PeftModel<CausalLM> peft, Batch batch, UnaryOperator<ForwardContext> how) {
    try (TensorScope scope = TensorScope.open();
        Generator dropout = Generator.of(5)) {
      ForwardContext context = how.apply(ForwardContext.training(dropout));
      double loss = peft.lossAndBackward(batch, 1.0 / batch.supervisedTokens(), context);
      Map<String, float[]> gradients = new LinkedHashMap<>();
      peft.trainableParameters()
          .forEach(
              (name, parameter) -> {
                gradients.put(name, parameter.grad().orElseThrow().toFloatArray());
                parameter.clearGrad();
              });
      return new Outcome(loss, gradients);
    }
  }

  private static void assertSame(Outcome actual, Outcome expected, double tolerance) {
    assertThat(actual.loss()).isCloseTo(expected.loss(), within(tolerance * expected.loss()));
    expected
        .gradients()
        .forEach(
            (name, gradient) ->
                assertThat(relativeDifference(actual.gradients().get(name), gradient))
                    .as(name)
                    .isLessThan(tolerance));
  }

  private static TokenizedExample example(SplittableRandom random, int length) {
    int[] ids = random.ints(length, 3, 60).toArray();
    int[] labels = ids.clone();
    Arrays.fill(labels, 0, length / 2, TokenizedExample.IGNORE_INDEX);
    return new TokenizedExample(ids, labels);
  }

  private static List<TokenizedExample> examples() {
    SplittableRandom random = new SplittableRandom(2);
    List<TokenizedExample> examples = new ArrayList<>();
    for (int length : new int[] {9, 3, 17, 2, 9}) {
      examples.add(example(random, length));
    }
    return examples;
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aPaddedBatchHasTheLossAndGradientsOfThePlainWay(boolean checkpointing) {
    Batch batch = PaddingCollator.of(0).collate(examples());
    try (CausalLM base = AutoModelForCausalLM.fromPretrained(LLAMA);
        PeftModel<CausalLM> peft = PeftModel.wrap(base, config(0))) {
      Outcome plain = step(peft, batch, context -> context.plain(true));
      assertSame(step(peft, batch, c -> c.gradientCheckpointing(checkpointing)), plain, 1e-4);
    }
  }

  @Test
  void dropoutIsThatOfThePlainWayWhereNothingIsPadded() {
    List<TokenizedExample> sameLength =
        List.of(example(new SplittableRandom(1), 8), example(new SplittableRandom(2), 8));
    Batch batch = PaddingCollator.of(0).collate(sameLength);
    try (CausalLM base = AutoModelForCausalLM.fromPretrained(LLAMA);
        PeftModel<CausalLM> peft = PeftModel.wrap(base, config(0.4))) {
      Outcome plain = step(peft, batch, context -> context.plain(true));
      assertSame(step(peft, batch, context -> context), plain, 1e-4);
      assertThat(step(peft, batch, context -> context.gradientCheckpointing(true)).loss())
          .isCloseTo(plain.loss(), within(1e-4 * plain.loss()));
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void packedSamplesDoNotSeeEachOther(boolean plain) {
    List<TokenizedExample> apart = examples();
    List<TokenizedExample> packed = new ArrayList<>();
    Packing.of(24).apply(Dataset.of(apart)).forEach(packed::add);
    assertThat(packed).hasSizeLessThan(apart.size());
    Batch rows = PaddingCollator.of(0).collate(packed);
    Batch padded = PaddingCollator.of(0).collate(apart);
    assertThat(rows.supervisedTokens()).isEqualTo(padded.supervisedTokens());
    try (CausalLM base = AutoModelForCausalLM.fromPretrained(LLAMA);
        PeftModel<CausalLM> peft = PeftModel.wrap(base, config(0))) {
      Outcome expected = step(peft, padded, context -> context.plain(true));
      assertSame(step(peft, rows, context -> context.plain(plain)), expected, 1e-4);
    }
  }

  @Test
  void labelSmoothingGivesTheLossAndGradientsOfThePlainWay() {
    Batch batch = PaddingCollator.of(0).collate(examples());
    try (CausalLM base = AutoModelForCausalLM.fromPretrained(LLAMA);
        PeftModel<CausalLM> peft = PeftModel.wrap(base, config(0))) {
      Outcome sharp = step(peft, batch, context -> context);
      Outcome plain = step(peft, batch, context -> context.labelSmoothing(0.3).plain(true));
      Outcome fast = step(peft, batch, context -> context.labelSmoothing(0.3));
      assertSame(fast, plain, 1e-4);
      // This model's guesses are nearly even, so the loss hardly changes, but the gradients do.
      sharp
          .gradients()
          .forEach(
              (name, gradient) ->
                  assertThat(relativeDifference(fast.gradients().get(name), gradient))
                      .as(name)
                      .isGreaterThan(0.1));
      assertThat(peft.loss(batch, ForwardContext.eval().labelSmoothing(0.3)))
          .isCloseTo(fast.loss(), within(1e-4 * fast.loss()));
    }
  }

  @Test
  void theTrainerTrainsAndEvaluatesWithLabelSmoothing(@TempDir Path out) {
    TrainingArguments args =
        TrainingArguments.builder()
            .outputDir(out)
            .labelSmoothingFactor(1)
            .learningRate(0)
            .maxSteps(1)
            .saveStrategy(IntervalStrategy.NO)
            .build();
    Dataset<TokenizedExample> data = Dataset.of(examples());
    Batch batch = PaddingCollator.of(0).collate(examples());
    try (CausalLM base = AutoModelForCausalLM.fromPretrained(LLAMA);
        PeftModel<CausalLM> peft = PeftModel.wrap(base, config(0))) {
      int tokens = batch.supervisedTokens();
      double smooth = peft.loss(batch, ForwardContext.eval().labelSmoothing(1)) / tokens;
      double sharp = peft.loss(batch, ForwardContext.eval()) / tokens;
      assertThat(smooth).isNotCloseTo(sharp, within(1e-4));
      Trainer trainer =
          Trainer.builder(peft, args)
              .trainDataset(data)
              .evalDataset(data)
              .dataCollator(PaddingCollator.of(0))
              .eosTokenIds()
              .build();
      assertThat(trainer.evaluate().loss()).isCloseTo(smooth, within(2e-5));
      assertThat(trainer.train().trainingLoss()).isCloseTo(smooth, within(2e-5));
    }
  }

  @Test
  void tokensPredictedFromLeftPaddingCountAsInThePlainWay() {
    int[] ids = {0, 0, 5, 6, 7, 8, 9, 10};
    int[] mask = {0, 0, 1, 1, 1, 1, 1, 1};
    Batch batch = new Batch(2, 4, ids, mask, ids);
    try (CausalLM base = AutoModelForCausalLM.fromPretrained(LLAMA);
        PeftModel<CausalLM> peft = PeftModel.wrap(base, config(0))) {
      Outcome plain = step(peft, batch, context -> context.plain(true));
      assertSame(step(peft, batch, context -> context), plain, 1e-4);
    }
  }

  // bfloat16: the plain way widens activations to float32 for A and B, the fast one rounds A and B.
  @ParameterizedTest
  @CsvSource({"false", "true"})
  void inBfloat16BothWaysAgreeToItsRounding(boolean autocast) {
    Batch batch = PaddingCollator.of(0).collate(examples());
    LoadOptions bf16 = LoadOptions.builder().dtype(DType.BF16).build();
    try (CausalLM base = AutoModelForCausalLM.fromPretrained(LLAMA, bf16);
        PeftModel<CausalLM> peft = PeftModel.wrap(base, config(0))) {
      Outcome plain = step(peft, batch, context -> context.plain(true));
      Outcome fast = step(peft, batch, c -> autocast ? c.autocast(DType.BF16) : c);
      assertSame(fast, plain, 0.1);
      assertThat(fast.loss()).isCloseTo(plain.loss(), within(0.01 * plain.loss()));
    }
  }
}
