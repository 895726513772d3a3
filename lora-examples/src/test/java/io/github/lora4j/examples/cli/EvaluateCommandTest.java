package io.github.lora4j.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EvaluateCommandTest {

  private static final int NEW_TOKENS = 6;

  @TempDir static Path shared;
  static Path model;

  @BeforeAll
  static void makeModel() {
    model = TinyModel.create(shared.resolve("model"));
  }

  private static Invocation evaluate(Path data, Object... more) {
    List<Object> args = new ArrayList<>(List.of("evaluate", "--model", model, "--data", data));
    args.addAll(List.of("--template", "{question}", "--completion", "answer"));
    args.addAll(List.of(more));
    return Invocation.of(args.toArray());
  }

  private static String greedy(String prompt) {
    return Invocation.of(
            "generate",
            "--model",
            model,
            "--prompt",
            prompt,
            "--max-new-tokens",
            NEW_TOKENS,
            "--json")
        .json()
        .get("text")
        .textValue();
  }

  private static String csvRow(String... values) {
    List<String> quoted = new ArrayList<>();
    for (String value : values) {
      quoted.add('"' + value.replace("\"", "\"\"") + '"');
    }
    return String.join(",", quoted) + "\n";
  }

  /** Two rows with what the model says anyway, of unequal length, and one with something else. */
  private static Path rows(String name) {
    return TinyModel.write(
        shared.resolve(name),
        csvRow("question", "answer")
            + csvRow("a cat", " " + greedy("a cat") + "  ")
            + csvRow("Question: is it a dog?", greedy("Question: is it a dog?"))
            + csvRow("is it", greedy("is it") + " not this"));
  }

  @Test
  void countsTheRowsThatAreAnsweredWordForWord() {
    JsonNode result = evaluate(rows("match.csv"), "--max-new-tokens", NEW_TOKENS, "--json").json();
    assertThat(result.get("rows").intValue()).isEqualTo(3);
    assertThat(result.get("exact_matches").intValue()).isEqualTo(2);
    assertThat(result.get("exact_match").doubleValue()).isEqualTo(2.0 / 3);
  }

  @Test
  void theLossIsPerTokenWhateverTheBatches() {
    Path rows = rows("loss.csv");
    JsonNode together = evaluate(rows, "--json").json();
    JsonNode oneByOne = evaluate(rows, "--batch-size", 1, "--json").json();
    double loss = together.get("eval_loss").doubleValue();
    assertThat(loss).isCloseTo(oneByOne.get("eval_loss").doubleValue(), Offset.offset(1e-4));
    assertThat(together.get("perplexity").doubleValue()).isEqualTo(Math.exp(loss));
    assertThat(together.get("supervised_tokens")).isEqualTo(oneByOne.get("supervised_tokens"));
  }

  @Test
  void limitTakesTheFirstRows() {
    Path rows = rows("limit.csv");
    assertThat(evaluate(rows, "--limit", 2, "--json").json().get("rows").intValue()).isEqualTo(2);
    assertThat(evaluate(rows, "--limit", 99, "--json").json().get("rows").intValue()).isEqualTo(3);
    assertThat(evaluate(rows, "--limit", 0).failure()).contains("--limit");
  }

  @Test
  void promptsLongerThanTheModelsRoomAreCutAsInTraining() {
    Path rows =
        TinyModel.write(
            shared.resolve("long.csv"),
            csvRow("question", "answer")
                + csvRow("a cat", " " + greedy("a cat"))
                + csvRow("is it a cat? ".repeat(40), "yes"));
    JsonNode result = evaluate(rows, "--max-new-tokens", NEW_TOKENS, "--json").json();
    assertThat(result.get("truncated_rows").intValue()).isEqualTo(1);
    assertThat(result.get("exact_matches").intValue()).isEqualTo(1);
  }

  @Test
  void peopleGetATable() {
    assertThat(evaluate(rows("table.csv")).succeeds().out())
        .contains("rows         3", "loss ", "per token", "exact match  ");
  }

  @Test
  void badRowsAreNamed() {
    Path noAnswer = TinyModel.write(shared.resolve("empty.csv"), "question,answer\na,b\nc,\n");
    assertThat(evaluate(noAnswer).failure()).contains("empty.csv", "line 3", "answer");
    Path headerOnly = TinyModel.write(shared.resolve("header.csv"), "question,answer\n");
    assertThat(evaluate(headerOnly).failure()).contains("header.csv");
    Path otherColumns = TinyModel.write(shared.resolve("other.csv"), "questoin,answer\na,b\n");
    assertThat(evaluate(otherColumns).failure()).contains("question", "questoin");
  }
}
