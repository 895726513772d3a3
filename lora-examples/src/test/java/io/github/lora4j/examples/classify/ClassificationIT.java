package io.github.lora4j.examples.classify;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.lora4j.data.Dataset;
import io.github.lora4j.dataset.Row;
import io.github.lora4j.examples.quickstart.Quickstart;
import io.github.lora4j.examples.quickstart.TinyPlaces;
import io.github.lora4j.io.SafeTensors;
import io.github.lora4j.peft.LoraConfig;
import io.github.lora4j.peft.TargetModules;
import io.github.lora4j.peft.TaskType;
import io.github.lora4j.text.PromptTemplate;
import io.github.lora4j.train.IntervalStrategy;
import io.github.lora4j.train.TrainingArguments;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ClassificationIT {

  private static final LoraConfig LORA =
      LoraConfig.builder()
          .r(8)
          .alpha(16)
          .targetModules(TargetModules.allLinear())
          .taskType(TaskType.SEQ_CLS)
          .build();

  @TempDir private Path out;

  private TrainingArguments args(double epochs) {
    return TrainingArguments.builder()
        .outputDir(out)
        .numTrainEpochs(epochs)
        .perDeviceTrainBatchSize(16)
        .perDeviceEvalBatchSize(50)
        .learningRate(3e-3)
        .evalStrategy(IntervalStrategy.EPOCH)
        .saveStrategy(IntervalStrategy.NO)
        .build();
  }

  @Test
  void theTinyModelLearnsToClassifyPlaces() {
    Quickstart places = TinyPlaces.quickstart(out);
    List<String> said = new ArrayList<>();
    ClassificationReport report =
        new Classification(
                places.model(),
                places.train(),
                places.test(),
                places.template(),
                "answer",
                512,
                LORA,
                args(1))
            .run(said::add);
    assertThat(report.labels().names()).containsExactly("0", "1");
    // Each answer is half of the rows.
    assertThat(report.before().get("accuracy")).isBetween(0.3, 0.7);
    assertThat(report.after().get("accuracy")).isGreaterThan(0.9);
    assertThat(report.reloaded()).isEqualTo(report.after());
    assertThat(report.training().logHistory())
        .anySatisfy(row -> assertThat(row.value("eval_accuracy")).isPresent());
    assertThat(String.join("\n", said)).contains("trainable params: ");
    try (SafeTensors adapter =
        SafeTensors.open(report.adapter().resolve("adapter_model.safetensors"))) {
      assertThat(adapter.names()).hasSize(2 * 7 * 4 + 1).contains("base_model.model.score.weight");
    }
  }

  private static Path shared(String name) {
    Path path = Path.of(System.getProperty("lora4j.shared", "nowhere")).resolve(name);
    assumeTrue(
        Files.exists(path),
        path
            + " is part of the development data and not here; -Dlora4j.shared=DIR says where it"
            + " is");
    return path;
  }

  /** Lines of a class and a question. */
  private static Dataset<Row> questions(Path file) throws IOException {
    List<Row> rows = new ArrayList<>();
    for (String line : Files.readAllLines(file, StandardCharsets.ISO_8859_1)) {
      int space = line.indexOf(' ');
      Map<String, String> columns =
          Map.of("label", line.substring(0, space), "question", line.substring(space + 1));
      rows.add(Row.of(file.toString(), rows.size() + 1L, columns));
    }
    return Dataset.of(rows, file.toString(), List.of("label", "question"));
  }

  @Test
  void aTellerOfStoriesLearnsWhatQuestionsAskFor() throws IOException {
    Path trec = shared("data/trec");
    ClassificationReport report =
        new Classification(
                shared("data/stories260k"),
                questions(trec.resolve("TREC.train.all")),
                questions(trec.resolve("TREC.test.all")),
                PromptTemplate.of("{question}"),
                "label",
                64,
                LORA,
                args(1))
            .run(line -> {});
    assertThat(report.labels().size()).isEqualTo(6);
    // The most frequent class has 28 of 100 questions.
    assertThat(report.before().get("accuracy")).isLessThan(0.35);
    assertThat(report.after().get("accuracy")).isGreaterThan(0.6);
    assertThat(report.reloaded()).isEqualTo(report.after());
  }
}
