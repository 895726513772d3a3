package io.github.lora4j.benchmarks.compare;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.stream.Collectors;

/** Makes the tables of what was measured, for a terminal and for a file. */
final class Report {

  /** By this part the first losses may differ: bfloat16 is rounded in other places. */
  private static final double LOSS_TOLERANCE = 0.01;

  private static final String INTRODUCTION =
      """
      # LoRA4J beside PEFT

      Both sides load the same random checkpoints and see the same token ids.
      [README.md](README.md) tells what is compared, and how to repeat it.

      """;

  private static final String HOW_TO_READ =
      """

      A cell holds LoRA4J / PEFT and, in brackets, the first over the second. For speeds more than
      1 is good for LoRA4J, for times and memory less than 1. Every number is the median over fresh
      processes of the median over the steps of each. The machine decides what the numbers are, so
      look at the ratios.

      """;

  private final Results results;

  Report(Results results) {
    this.results = results;
  }

  /** A whole document about a run. */
  String document(Map<String, String> run) {
    StringBuilder text = new StringBuilder(INTRODUCTION);
    run.forEach(
        (name, value) -> text.append("- ").append(name).append(": ").append(value).append("\n"));
    return text.append(HOW_TO_READ).append(tables()).toString();
  }

  /** The tables under their headings. */
  String tables() {
    StringBuilder text = new StringBuilder();
    for (Kind kind : Kind.values()) {
      List<BenchmarkCase> cases = results.cases(kind);
      if (!cases.isEmpty()) {
        text.append("## ").append(kind.title()).append("\n\n");
        text.append(table(kind, cases)).append("\n");
        text.append(warnings(cases));
        text.append(Notes.on(kind)).append("\n");
      }
    }
    return text.toString().stripTrailing() + "\n";
  }

  private Table table(Kind kind, List<BenchmarkCase> cases) {
    Table table = new Table();
    List<String> headings = new ArrayList<>(List.of("case"));
    kind.metrics().forEach(metric -> headings.add(metric.heading()));
    table.row(headings);
    for (BenchmarkCase measured : cases) {
      List<String> cells = new ArrayList<>(List.of(measured.name()));
      kind.metrics().forEach(metric -> cells.add(cell(measured, metric)));
      table.row(cells);
    }
    return table;
  }

  private String cell(BenchmarkCase measured, Metric metric) {
    OptionalDouble ours = results.median(measured, Side.OURS, metric);
    OptionalDouble theirs = results.median(measured, Side.THEIRS, metric);
    if (metric.isOurs()) {
      return number(metric, ours);
    }
    String numbers = number(metric, ours) + " / " + number(metric, theirs);
    return ours.isPresent() && theirs.isPresent() && metric != Metric.PERCENT_OF_GEMM
        ? String.format(
            Locale.ROOT, "%s (%.2f)", numbers, ours.getAsDouble() / theirs.getAsDouble())
        : numbers;
  }

  private static String number(Metric metric, OptionalDouble value) {
    return value.isPresent() ? metric.format(value.getAsDouble()) : "-";
  }

  /** What makes the numbers doubtful. */
  private String warnings(List<BenchmarkCase> cases) {
    String unequal =
        cases.stream()
            .filter(this::lossesDiffer)
            .map(c -> c.name() + " " + cell(c, Metric.FIRST_LOSS))
            .collect(Collectors.joining(", "));
    String disturbed =
        cases.stream()
            .filter(c -> results.largest(c, Metric.OTHERS_PERCENT) > CpuTime.TOLERANCE)
            .map(c -> c.name() + " " + percent(results.largest(c, Metric.OTHERS_PERCENT)))
            .collect(Collectors.joining(", "));
    String text = "";
    if (cases.stream().noneMatch(c -> results.has(c, Side.THEIRS))) {
      text += "**LoRA4J alone: the other side was not there.**\n\n";
    }
    if (!unequal.isEmpty()) {
      text +=
          "**Not the same work on both sides: the first losses differ in " + unequal + ".**\n\n";
    }
    if (!disturbed.isEmpty()) {
      text += "**Disturbed, by what other processes took of the machine: " + disturbed + ".**\n\n";
    }
    return text;
  }

  private boolean lossesDiffer(BenchmarkCase measured) {
    OptionalDouble ours = results.median(measured, Side.OURS, Metric.FIRST_LOSS);
    OptionalDouble theirs = results.median(measured, Side.THEIRS, Metric.FIRST_LOSS);
    return ours.isPresent()
        && theirs.isPresent()
        && Math.abs(ours.getAsDouble() / theirs.getAsDouble() - 1) > LOSS_TOLERANCE;
  }

  private static String percent(double value) {
    return Metric.OTHERS_PERCENT.format(value) + "%";
  }
}
