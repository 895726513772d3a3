package io.github.lora4j.train;

import static io.github.lora4j.train.ToyRuns.DATA;
import static io.github.lora4j.train.ToyRuns.args;
import static io.github.lora4j.train.ToyRuns.losses;
import static io.github.lora4j.train.ToyRuns.train;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.lora4j.data.Batch;
import io.github.lora4j.data.DataCollator;
import io.github.lora4j.data.PaddingCollator;
import io.github.lora4j.data.TokenizedExample;
import io.github.lora4j.error.TrainingDivergedException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What stops a run, and what it says. */
class TrainerFailureTest {

  @TempDir private Path out;

  @Test
  void aLossThatIsNotFiniteStopsBeforeItIsApplied() {
    try (ToyModel model = new ToyModel(0.0)) {
      List<Map<String, float[]>> after = new ArrayList<>();
      TrainerCallback recording =
          new TrainerCallback() {
            @Override
            public void onStepEnd(StepInfo step, TrainerControl control) {
              after.add(model.values());
            }
          };
      TrainingArguments args = args(out).learningRate(1e37).maxGradNorm(0).build();
      Trainer trainer =
          Trainer.builder(model, args).trainDataset(DATA).callbacks(recording).build();

      assertThatThrownBy(trainer::train)
          .isInstanceOf(TrainingDivergedException.class)
          .hasMessageMatching(
              "The (loss|grad_norm) of step 2 is (NaN|Infinity); the losses before it: [0-9.]+\\."
                  + " The update was not applied\\. Lower learningRate .*");
      assertThat(after).hasSize(1);
      Map<String, float[]> now = model.values();
      after.get(0).forEach((name, values) -> assertThat(now.get(name)).containsExactly(values));
    }
  }

  @Test
  void aModelThatIsBrokenFromTheStartIsSaidToBe() {
    try (ToyModel model = new ToyModel(0.0)) {
      model.trainableParameters().get("head.bias").detach().fillInPlace(Double.NaN);
      Trainer trainer =
          Trainer.builder(model, args(out).build()).trainDataset(DATA).evalDataset(DATA).build();

      assertThatThrownBy(trainer::train)
          .isInstanceOf(TrainingDivergedException.class)
          .hasMessageContaining("The loss of step 1 is NaN; no update came before it.");
      model.trainableParameters().values().forEach(p -> assertThat(p.grad()).isEmpty());
      assertThatThrownBy(trainer::evaluate)
          .isInstanceOf(TrainingDivergedException.class)
          .hasMessageContaining("The evaluation loss is NaN");
    }
  }

  @Test
  void anEvaluationThatDivergesNamesTheStep() {
    try (ToyModel model = new ToyModel(0.0)) {
      TrainerCallback breaking =
          new TrainerCallback() {
            @Override
            public void onStepEnd(StepInfo step, TrainerControl control) {
              if (step.step() == 2) {
                model.trainableParameters().get("head.bias").detach().fillInPlace(Double.NaN);
              }
            }
          };
      TrainingArguments args =
          args(out).evalStrategy(IntervalStrategy.STEPS).evalSteps(2).maxSteps(4).build();
      Trainer trainer =
          Trainer.builder(model, args)
              .trainDataset(DATA)
              .evalDataset(DATA)
              .callbacks(breaking)
              .build();

      assertThatThrownBy(trainer::train)
          .isInstanceOf(TrainingDivergedException.class)
          .hasMessageContaining("The evaluation loss after step 2 is NaN");
    }
  }

  @Test
  void staleGradientsOfTheModelDontCount() {
    try (ToyModel fresh = new ToyModel(0.0);
        ToyModel used = new ToyModel(0.0)) {
      used.lossAndBackward(
          PaddingCollator.of(0).collate(ToyModel.examples(3)),
          100,
          io.github.lora4j.nn.ForwardContext.eval());

      assertThat(losses(train(used, args(out)))).isEqualTo(losses(train(fresh, args(out))));
      used.trainableParameters().values().forEach(p -> assertThat(p.grad()).isEmpty());
    }
  }

  @Test
  void aCollatorThatMasksEverythingIsAnError() {
    DataCollator masking =
        examples -> {
          Batch batch = PaddingCollator.of(0).collate(examples);
          int[] masked = batch.labels().clone();
          Arrays.fill(masked, TokenizedExample.IGNORE_INDEX);
          return new Batch(
              batch.size(), batch.length(), batch.inputIds(), batch.attentionMask(), masked);
        };
    try (ToyModel model = new ToyModel(0.0)) {
      Trainer trainer =
          Trainer.builder(model, args(out).build())
              .trainDataset(DATA)
              .dataCollator(masking)
              .build();

      assertThatThrownBy(trainer::train)
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("No batch of step 1 has anything supervised");
    }
  }

  @Test
  void whatIsMissingIsNamed() {
    try (ToyModel model = new ToyModel(0.0)) {
      assertThatThrownBy(() -> Trainer.builder(model, args(out).build()).build().train())
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("trainDataset");
      assertThatThrownBy(() -> Trainer.builder(model, args(out).build()).build().evaluate())
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("evalDataset");
      TrainingArguments evaluating = args(out).evalStrategy(IntervalStrategy.EPOCH).build();
      assertThatThrownBy(() -> Trainer.builder(model, evaluating).build())
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage(
              "evalStrategy: expected NO without an evalDataset, found EPOCH; set an evalDataset");
    }
  }
}
