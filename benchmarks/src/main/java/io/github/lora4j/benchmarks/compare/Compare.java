package io.github.lora4j.benchmarks.compare;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The command line: {@code benchmarks/compare}. */
@Command(
    name = "benchmarks/compare",
    description =
        "Times LoRA4J and PEFT on the same work: fresh processes of both sides take turns. The"
            + " tables go to standard output, the progress to standard error.")
public final class Compare implements Callable<Integer> {

  @Option(
      names = "--cases",
      split = ",",
      paramLabel = "NAME",
      description = "Names or globs, such as 'train-S-*'; default all.")
  private List<String> cases = List.of("*");

  @Option(names = "--list", description = "Print the names of all cases, and measure nothing.")
  private boolean list;

  @Option(
      names = "--rounds",
      paramLabel = "N",
      description = "Processes of each side for each case; default ${DEFAULT-VALUE}.")
  private int rounds = 2;

  @Option(
      names = "--steps",
      paramLabel = "N",
      description =
          "Measured steps of each training process and repetitions of each generating one; default"
              + " depends on the case.")
  private Optional<Integer> steps = Optional.empty();

  @Option(
      names = "--python",
      paramLabel = "FILE",
      defaultValue = "${env:LORA4J_PYTHON:-python3}",
      description =
          "A Python with torch, transformers and peft, for fine-tuning cases trl too; default"
              + " $LORA4J_PYTHON or python3. Without one LoRA4J runs alone.")
  private String python = "python3";

  @Option(
      names = "--models",
      paramLabel = "DIR",
      description =
          "Where the random checkpoints are kept, and made if missing (4 GB for all of them);"
              + " default ~/.cache/lora4j-benchmarks.")
  private Path models = Path.of(System.getProperty("user.home"), ".cache", "lora4j-benchmarks");

  @Option(
      names = "--write",
      paramLabel = "FILE",
      description = "Write the tables, with the machine and all versions, as Markdown.")
  private Optional<Path> write = Optional.empty();

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "Show this help, and measure nothing.")
  private boolean help;

  // The script looks for it; it is here for --help.
  @Option(names = "--no-build", description = "Run what was built before.")
  private boolean noBuild;

  @Spec private CommandSpec spec;

  /** For picocli, which makes the instance. */
  public Compare() {}

  /** Runs the command and ends the process with its exit status. */
  public static void main(String[] args) {
    System.exit(new CommandLine(new Compare()).execute(args));
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    PrintWriter out = spec.commandLine().getOut();
    PrintWriter progress = spec.commandLine().getErr();
    if (list) {
      Cases.matching(List.of("*")).forEach(c -> out.println(c.name()));
      return CommandLine.ExitCode.OK;
    }
    List<BenchmarkCase> chosen = chosen();
    Optional<Python> found = python(progress);
    Results results = new Results();
    Report report = new Report(results);
    Rounds turns = new Rounds(found, models, progress);
    boolean fine = true;
    for (BenchmarkCase next : chosen) {
      fine &= turns.run(next, rounds, results);
      if (write.isPresent()) {
        // After each case: all of them take hours.
        Files.writeString(write.get(), report.document(facts(found)));
      }
    }
    out.print(report.tables());
    out.flush();
    return fine ? CommandLine.ExitCode.OK : CommandLine.ExitCode.SOFTWARE;
  }

  private Map<String, String> facts(Optional<Python> found) {
    Map<String, String> facts = new LinkedHashMap<>();
    facts.put("command", "`" + commandLine() + "`");
    facts.put("rounds", Integer.toString(rounds));
    facts.putAll(Machine.describe(found));
    return facts;
  }

  private List<BenchmarkCase> chosen() {
    if (rounds < 1 || steps.orElse(1) < 1) {
      throw new ParameterException(
          spec.commandLine(), "--rounds and --steps: expected at least 1 each");
    }
    List<BenchmarkCase> chosen = new ArrayList<>();
    try {
      chosen.addAll(Cases.matching(cases));
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), e.getMessage(), e);
    }
    boolean trains = chosen.stream().anyMatch(c -> c.kind() == Kind.TRAIN);
    if (trains && !chosen.contains(Cases.limits())) {
      chosen.add(0, Cases.limits());
    }
    return chosen.stream().map(c -> steps.map(c::withSteps).orElse(c)).toList();
  }

  private Optional<Python> python(PrintWriter progress) throws InterruptedException {
    try {
      Path home = Path.of(System.getProperty("lora4j.benchmarks", "benchmarks"));
      return Optional.of(Python.probe(python, home.resolve("python")));
    } catch (IOException e) {
      progress.println(
          "LoRA4J runs alone, since %s can't run the other side: %s%n--python names another one."
              .formatted(python, e.getMessage().strip()));
      return Optional.empty();
    }
  }

  /** The command as a person would repeat it. */
  private String commandLine() {
    String home = System.getProperty("user.home");
    return Stream.concat(
            Stream.of(spec.name()), spec.commandLine().getParseResult().originalArgs().stream())
        .map(word -> word.startsWith(home) ? "~" + word.substring(home.length()) : word)
        .map(word -> word.matches("[\\w./~=,:+-]+") ? word : "'" + word + "'")
        .collect(Collectors.joining(" "));
  }
}
