package io.github.lora4j.examples.quickstart;

import io.github.lora4j.data.Dataset;
import io.github.lora4j.dataset.Datasets;
import io.github.lora4j.dataset.Row;
import io.github.lora4j.model.LoadOptions;
import io.github.lora4j.peft.LoraConfig;
import io.github.lora4j.peft.TargetModules;
import io.github.lora4j.peft.TaskType;
import io.github.lora4j.text.PromptTemplate;
import io.github.lora4j.train.IntervalStrategy;
import io.github.lora4j.train.LrSchedulerType;
import io.github.lora4j.train.TrainingArguments;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * The quickstart's own model and task: a tiny Llama that knows some places and answers with yes and
 * no learns to follow the task's instructions, which ask for 1 and 0.
 */
public final class TinyPlaces {

  private static final String SYSTEM =
      "You are a guide who knows many places. Answer 1 if at least one of the places meets the"
          + " requirement, and 0 if none does.";
  private static final String TEMPLATE = "Requirement: {requirement}\nPlaces: {places}\nAnswer:\n";

  private static final int MAX_LENGTH = 512;

  private static final List<String> MODEL_FILES =
      List.of("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json");

  private TinyPlaces() {}

  /**
   * Prepares the run: the model and the CSV files travel in the jar and are used as plain files.
   *
   * @param outputDir gets them, and what the run makes
   */
  public static Quickstart quickstart(Path outputDir) {
    Path model = outputDir.resolve("tiny-places");
    MODEL_FILES.forEach(name -> copy("/models/tiny-places/" + name, model.resolve(name)));
    return new Quickstart(
        model,
        table("places-train.csv", outputDir),
        table("places-test.csv", outputDir),
        PromptTemplate.of(TEMPLATE).withSystem(SYSTEM),
        "answer",
        MAX_LENGTH,
        LoraConfig.builder()
            .r(8)
            .alpha(16)
            .targetModules(TargetModules.allLinear())
            .taskType(TaskType.CAUSAL_LM)
            .build(),
        TrainingArguments.builder()
            .outputDir(outputDir)
            .numTrainEpochs(4)
            .perDeviceTrainBatchSize(16)
            .perDeviceEvalBatchSize(50)
            .learningRate(3e-3)
            .lrSchedulerType(LrSchedulerType.LINEAR)
            .loggingSteps(5)
            .evalStrategy(IntervalStrategy.EPOCH)
            .saveStrategy(IntervalStrategy.NO)
            .build(),
        LoadOptions.defaults());
  }

  private static Dataset<Row> table(String name, Path outputDir) {
    return Datasets.csv(copy("/data/" + name, outputDir.resolve(name)));
  }

  private static Path copy(String resource, Path file) {
    try (InputStream in = TinyPlaces.class.getResourceAsStream(resource)) {
      if (in == null) {
        throw new IllegalStateException(resource + " is missing from the jar");
      }
      Files.createDirectories(file.getParent());
      Files.write(file, in.readAllBytes());
      return file;
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot write " + file, e);
    }
  }
}
