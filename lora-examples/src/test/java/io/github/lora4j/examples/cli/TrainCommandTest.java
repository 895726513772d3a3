package io.github.lora4j.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.lora4j.peft.LoraConfig;
import io.github.lora4j.peft.TargetModules;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrainCommandTest {

  @TempDir static Path shared;
  @TempDir Path work;

  static Path model;
  static Path rows;

  @BeforeAll
  static void makeModel() {
    model = TinyModel.create(shared.resolve("model"));
    rows = TinyModel.csv(shared);
  }

  private Invocation train(Path output, Object... more) {
    return train(rows, TinyModel.TEMPLATE, output, more);
  }

  private static Invocation train(Path data, String template, Path output, Object... more) {
    List<Object> args = new ArrayList<>(List.of("train", "--model", model, "--data", data));
    args.addAll(List.of("--template", template, "--completion", "answer", "--output", output));
    args.addAll(List.of("--batch-size", 5));
    args.addAll(List.of(more));
    return Invocation.of(args.toArray());
  }

  private static double loss(Object... more) {
    List<Object> args = new ArrayList<>(List.of("evaluate", "--model", model, "--data", rows));
    args.addAll(List.of("--template", TinyModel.TEMPLATE, "--completion", "answer", "--json"));
    args.addAll(List.of(more));
    return Invocation.of(args.toArray()).json().get("eval_loss").doubleValue();
  }

  @Test
  void theAdapterIsTheOutputAndAnswersBetter() {
    Path adapter = work.resolve("adapter");
    JsonNode result =
        train(
                adapter,
                "--r",
                4,
                "--alpha",
                8,
                "--target-modules",
                "all-linear",
                "--max-steps",
                30,
                "--learning-rate",
                0.02,
                "--json")
            .json();

    assertThat(adapter).isDirectoryContaining("glob:**/adapter_model.safetensors");
    LoraConfig config = LoraConfig.load(adapter);
    assertThat(config.r()).isEqualTo(4);
    assertThat(config.alpha()).isEqualTo(8);
    // two layers of q, o, gate, up and down 48x48, k and v 24x48
    long numbers = 2 * 4 * (5 * 96 + 2 * 72);
    assertThat(result.get("trainable_parameters").longValue()).isEqualTo(numbers);
    assertThat(result.get("global_step").intValue()).isEqualTo(30);
    assertThat(result.get("train_rows").intValue()).isEqualTo(10);
    assertThat(result.get("eval_rows").intValue()).isZero();
    assertThat(result.has("eval_loss")).isFalse();
    assertThat(result.get("train_tokens_per_second").doubleValue()).isPositive();
    assertThat(loss("--adapter", adapter)).isLessThan(0.7 * loss());
  }

  @Test
  void peopleGetLinesInsteadOfJson() {
    assertThat(train(work.resolve("a"), "--max-steps", 1).succeeds().out())
        .contains("1 updates on 10 rows", "adapter saved to " + work.resolve("a"));
  }

  @Test
  void rowsAreHeldOutAndMeasured() {
    JsonNode result =
        train(work.resolve("a"), "--max-steps", 1, "--eval-split", 0.3, "--json").json();
    assertThat(result.get("train_rows").intValue()).isEqualTo(7);
    assertThat(result.get("eval_rows").intValue()).isEqualTo(3);
    assertThat(result.get("eval_loss").doubleValue()).isPositive();

    Path tsv = TinyModel.write(work.resolve("more.TSV"), "answer\tquestion\nno\twhy?\n");
    result = train(work.resolve("b"), "--max-steps", 1, "--eval-data", tsv, "--json").json();
    assertThat(result.get("train_rows").intValue()).isEqualTo(10);
    assertThat(result.get("eval_rows").intValue()).isEqualTo(1);
  }

  @Test
  void rowsArePackedButNotTheHeldOutOnes() {
    JsonNode result =
        train(work.resolve("a"), "--packing", "--epochs", 1, "--eval-split", 0.2, "--json").json();
    int packed = result.get("packed_rows").intValue();
    assertThat(result.get("train_rows").intValue()).isEqualTo(8);
    // A batch of 5 rows, which 8 rows would not fit into.
    assertThat(packed).isBetween(1, 5);
    assertThat(result.get("global_step").intValue()).isEqualTo(1);
    assertThat(result.get("eval_rows").intValue()).isEqualTo(2);

    assertThat(train(work.resolve("b"), "--packing", "--max-length", 94, "--epochs", 1).out())
        .contains("1 updates on 10 rows, packed into ");
  }

  @Test
  void theSeedDecidesTheAdapter() throws IOException {
    Object[] settings = {"--epochs", 1, "--accumulation", 2, "--dropout", 0.1};
    train(work.resolve("a"), settings).succeeds();
    train(work.resolve("b"), settings).succeeds();
    List<Object> other = new ArrayList<>(List.of(settings));
    other.addAll(List.of("--seed", 5));
    train(work.resolve("c"), other.toArray()).succeeds();
    String weights = "adapter_model.safetensors";
    byte[] first = Files.readAllBytes(work.resolve("a").resolve(weights));
    assertThat(work.resolve("b").resolve(weights)).hasBinaryContent(first);
    assertThat(Files.readAllBytes(work.resolve("c").resolve(weights))).isNotEqualTo(first);
  }

  @Test
  void everyTrainingOptionReachesTheTrainer() {
    Path adapter = work.resolve("a");
    train(
            adapter,
            "--max-steps",
            2,
            "--lr-scheduler",
            "cosine",
            "--warmup-ratio",
            0.1,
            "--optim",
            "paged_adamw_8bit",
            "--weight-decay",
            0.01,
            "--max-grad-norm",
            0.5,
            "--gradient-checkpointing",
            "--save-steps",
            1,
            "--rslora",
            "--target-modules",
            "k_proj, o_proj",
            "--dtype",
            "bf16")
        .succeeds();
    assertThat(adapter.resolve("checkpoint-2")).isNotEmptyDirectory();
    assertThat(LoraConfig.load(adapter).useRslora()).isTrue();
    assertThat(LoraConfig.load(adapter).targetModules())
        .isEqualTo(TargetModules.names("k_proj", "o_proj"));
  }

  @Test
  void longPromptsAreCutAndCounted() {
    String longRow = "question,answer\n" + "is it a cat? ".repeat(40) + ",yes\n";
    Path data = TinyModel.write(work.resolve("long.csv"), longRow);
    JsonNode result =
        train(data, TinyModel.TEMPLATE, work.resolve("a"), "--max-steps", 1, "--json").json();
    assertThat(result.get("truncated_rows").intValue()).isEqualTo(1);
  }

  @Test
  void theTemplateMayComeFromAFile() {
    Path template = TinyModel.write(work.resolve("template.txt"), "\\n stays: {question}\n");
    Object[] args = {
      "train",
      "--model",
      model,
      "--data",
      rows,
      "--template-file",
      template,
      "--completion",
      "answer",
      "--output",
      work.resolve("a"),
      "--max-steps",
      1
    };
    Invocation.of(args).succeeds();
    TinyModel.write(template, "{nothing}");
    assertThat(Invocation.of(args).failure()).contains("nothing", "rows.csv");
  }

  @Test
  void mistakesAreFoundBeforeTraining() {
    Path output = work.resolve("a");
    assertThat(train(output, "--target-modules", "q_prj").failure()).contains("q_prj", "q_proj");
    assertThat(train(output, "--r", 0).failure()).contains("r");
    assertThat(train(output, "--eval-split", 1.5).failure()).contains("--eval-split", "1.5");
    assertThat(train(output, "--dtype", "f16").failure()).contains("bf16");
    assertThat(train(model).failure()).contains("--output", "input");
    assertThat(train(rows).failure()).contains("rows.csv", "not a folder");
    assertThat(train(rows, "{answer}", output).failure()).contains("{answer}");
    assertThat(train(rows, "{question", output).failure()).contains("never closed");
    assertThat(train(work.resolve("no.csv"), "x", output).failure()).contains("no.csv");
    assertThat(train(work.resolve("no.txt"), "x", output).failure()).contains(".csv or .tsv");
    assertThat(train(output, "--lr-scheduler", "zigzag"))
        .returns(2, Invocation::exitCode)
        .extracting(Invocation::err)
        .asString()
        .contains("zigzag", "cosine");
    assertThat(train(output, "--optim", "adafactor"))
        .returns(2, Invocation::exitCode)
        .extracting(Invocation::err)
        .asString()
        .contains("adafactor", "adamw_bnb_8bit");
    assertThat(output.resolve("adapter_model.safetensors")).doesNotExist();
  }
}
