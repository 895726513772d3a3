package io.github.lora4j.benchmarks.compare;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** Lets both sides take turns: ours, theirs, ours, theirs, each time in a fresh process. */
final class Rounds {

  private final Optional<Python> python;
  private final Path models;
  private final PrintWriter progress;
  private final ObjectMapper json = new ObjectMapper();

  Rounds(Optional<Python> python, Path models, PrintWriter progress) {
    this.python = python;
    this.models = models;
    this.progress = progress;
  }

  /**
   * Measures a case; a failure is told and the other side goes on.
   *
   * @return whether nothing failed
   */
  boolean run(BenchmarkCase chosen, int rounds, Results results)
      throws IOException, InterruptedException {
    boolean fine = true;
    makeCheckpoint(chosen);
    if (chosen.variant() == Variant.ARCHIVE) {
      ChildProcess.run(
          ChildProcess.java(List.of("-XX:ArchiveClassesAtExit=" + archive()), CaseRunner.class),
          Map.of(),
          json.writeValueAsString(chosen.task(models).startedAt(Timing.now())));
    }
    if (python.isPresent() && !python.get().canRun(chosen.kind())) {
      progress.printf(
          "%s: LoRA4J alone, since %s lacks %s%n",
          chosen.name(), python.get().executable(), chosen.kind().needs().orElseThrow());
    }
    for (int round = 1; round <= rounds; round++) {
      for (Side side : Side.values()) {
        Optional<List<String>> command = command(side, chosen);
        if (command.isPresent()) {
          progress.printf("%s %d/%d %s: ", chosen.name(), round, rounds, side.title());
          progress.flush();
          fine &= measure(chosen, side, command.get(), results);
        }
      }
    }
    return fine;
  }

  private void makeCheckpoint(BenchmarkCase chosen) throws IOException, InterruptedException {
    if (chosen.model().isPresent()) {
      RandomModel model = chosen.model().get();
      Path folder = models.resolve(model.name());
      if (!CheckpointMaker.isComplete(folder, model)) {
        progress.println("making a checkpoint like " + model.likeness() + " in " + folder);
        List<String> command =
            ChildProcess.java(CheckpointMaker.class, folder.toString(), model.name());
        ChildProcess.run(command, Map.of(), "");
      }
    }
  }

  private Optional<List<String>> command(Side side, BenchmarkCase chosen) {
    Kind kind = chosen.kind();
    if (side == Side.THEIRS) {
      return python.filter(found -> found.canRun(kind)).map(found -> found.command(kind));
    }
    List<String> flags =
        chosen.variant() == Variant.ARCHIVE
            ? List.of("-XX:SharedArchiveFile=" + archive(), "-Xshare:on")
            : List.of();
    return Optional.of(ChildProcess.java(flags, CaseRunner.class));
  }

  /** Where the classes of a starting process are archived. */
  private Path archive() {
    return models.resolve("classes.jsa");
  }

  private boolean measure(BenchmarkCase chosen, Side side, List<String> command, Results results)
      throws InterruptedException {
    Map<String, String> environment = side == Side.OURS ? Map.of() : Python.ENVIRONMENT;
    CpuTime.awaitQuiet();
    Optional<CpuTime> before = CpuTime.read();
    double start = Timing.now();
    try {
      Task task = chosen.task(models).startedAt(start);
      String output = ChildProcess.run(command, environment, json.writeValueAsString(task));
      Map<String, Double> line =
          json.readValue(lastLine(output), new TypeReference<Map<String, Double>>() {});
      before.ifPresent(
          then ->
              CpuTime.read()
                  .ifPresent(now -> line.put(Metric.OTHERS_PERCENT.key(), now.othersSince(then))));
      results.add(chosen, side, line);
      progress.printf(Locale.ROOT, "%s, %.0f s%n", headline(chosen, line), Timing.now() - start);
      return true;
    } catch (IOException e) {
      progress.println("failed: " + e.getMessage());
      return false;
    } finally {
      progress.flush();
    }
  }

  /** Libraries may have printed something of their own before. */
  private static String lastLine(String output) throws IOException {
    return output
        .lines()
        .filter(line -> line.startsWith("{"))
        .reduce((first, second) -> second)
        .orElseThrow(() -> new IOException("expected a line of JSON, found:\n" + output));
  }

  private static String headline(BenchmarkCase chosen, Map<String, Double> line) {
    Metric first = chosen.kind().metrics().get(0);
    return first.format(line.getOrDefault(first.key(), Double.NaN)) + " " + first.heading();
  }
}
