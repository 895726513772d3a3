package io.github.lora4j.model;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.lora4j.data.Batch;
import io.github.lora4j.data.Dataset;
import io.github.lora4j.data.TokenizedExample;
import io.github.lora4j.io.SafeTensors;
import io.github.lora4j.nn.ForwardContext;
import io.github.lora4j.peft.PeftModel;
import io.github.lora4j.tensor.TensorScope;
import io.github.lora4j.testing.FamilyCase;
import io.github.lora4j.testing.Fixtures;
import io.github.lora4j.train.IntervalStrategy;
import io.github.lora4j.train.LrSchedulerType;
import io.github.lora4j.train.StepInfo;
import io.github.lora4j.train.TrainSamplingStrategy;
import io.github.lora4j.train.Trainer;
import io.github.lora4j.train.TrainerCallback;
import io.github.lora4j.train.TrainerControl;
import io.github.lora4j.train.TrainingArguments;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The training run of a parity case, through the {@link Trainer} as users have it. */
final class FamilyTraining {

  /** How a step is computed. */
  enum Way {
    /** As users have it. */
    FUSED,
    /** All gradients by libtorch. */
    PLAIN,
    /** As users have it with gradient checkpointing. */
    CHECKPOINTING
  }

  private FamilyTraining() {}

  /** Trains, writes the adapter into a folder, and compares losses, norms and the adapter. */
  static Map<String, Double> run(FamilyCase parity, Way way, Path adapter) {
    List<StepInfo> steps = new ArrayList<>();
    try (CausalLM base = AutoModelForCausalLM.fromPretrained(parity.base());
        PeftModel<CausalLM> peft = PeftModel.fromPretrained(base, parity.at("train"), true)) {
      Trainer.builder(way == Way.PLAIN ? plain(peft) : peft, args(way))
          .trainDataset(rows(parity))
          .eosTokenIds() // The tokens are random: none of them ends a text.
          .callbacks(
              new TrainerCallback() {
                @Override
                public void onStepEnd(StepInfo step, TrainerControl control) {
                  steps.add(step);
                }
              })
          .build()
          .train();
      peft.savePretrained(adapter);
    }
    Map<String, Double> found = new LinkedHashMap<>();
    JsonNode expected = parity.description().get("steps");
    found.put(
        "loss", curve(steps.stream().mapToDouble(StepInfo::loss).toArray(), expected, "loss"));
    found.put(
        "gradient norm",
        curve(steps.stream().mapToDouble(StepInfo::gradNorm).toArray(), expected, "grad_norm"));
    found.put("adapter", adapters(parity, adapter));
    return found;
  }

  /** A model whose training passes are plain. */
  private static PreTrainedModel plain(PreTrainedModel model) {
    return (PreTrainedModel)
        Proxy.newProxyInstance(
            FamilyTraining.class.getClassLoader(),
            new Class<?>[] {PreTrainedModel.class},
            (proxy, method, args) -> {
              if (method.getName().equals("lossAndBackward")) {
                args[2] = ((ForwardContext) args[2]).plain(true);
              }
              try {
                return method.invoke(model, args);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }

  private static TrainingArguments args(Way way) {
    return TrainingArguments.builder()
        .maxSteps(FamilyCase.STEPS)
        .perDeviceTrainBatchSize(2)
        .gradientAccumulationSteps(FamilyCase.ACCUMULATION)
        .trainSamplingStrategy(TrainSamplingStrategy.SEQUENTIAL)
        .learningRate(5e-3)
        .lrSchedulerType(LrSchedulerType.COSINE)
        .warmupSteps(2)
        .weightDecay(0.01)
        .maxGradNorm(0.3)
        .gradientCheckpointing(way == Way.CHECKPOINTING)
        .loggingStrategy(IntervalStrategy.NO)
        .saveStrategy(IntervalStrategy.NO)
        .disableTqdm(true)
        .build();
  }

  private static Dataset<TokenizedExample> rows(FamilyCase parity) {
    List<TokenizedExample> rows = new ArrayList<>();
    for (Batch batch : parity.trainingBatches()) {
      rows.addAll(FamilyCase.rows(batch));
    }
    return Dataset.of(rows);
  }

  private static double curve(double[] found, JsonNode steps, String field) {
    double[] expected = new double[steps.size()];
    for (int i = 0; i < expected.length; i++) {
      expected[i] = steps.get(i).get(field).doubleValue();
    }
    if (found.length != expected.length) {
      throw new AssertionError("expected " + expected.length + " steps, found " + found.length);
    }
    double largest = 0;
    for (int i = 0; i < expected.length; i++) {
      double difference = Math.abs(found[i] - expected[i]) / expected[i];
      largest = Double.isNaN(difference) ? difference : Math.max(largest, difference);
    }
    return largest;
  }

  private static double adapters(FamilyCase parity, Path adapter) {
    String prefix = "train.";
    double largest = 0;
    try (SafeTensors ours = SafeTensors.open(adapter.resolve("adapter_model.safetensors"));
        SafeTensors theirs = parity.expected();
        TensorScope scope = TensorScope.open()) {
      List<String> names = theirs.names().stream().filter(name -> name.startsWith(prefix)).toList();
      if (!ours.names().stream()
          .map(prefix::concat)
          .sorted()
          .toList()
          .equals(names.stream().sorted().toList())) {
        throw new AssertionError("expected " + names + ", found " + ours.names());
      }
      for (String name : names) {
        largest =
            Math.max(
                largest,
                Fixtures.relativeDifference(
                    ours.tensor(name.substring(prefix.length())), theirs.tensor(name)));
      }
    }
    return largest;
  }
}
