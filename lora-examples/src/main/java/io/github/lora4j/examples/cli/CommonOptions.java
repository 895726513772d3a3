package io.github.lora4j.examples.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.PrintWriter;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** What every command can do: results as JSON, details of what happens, help. */
public final class CommonOptions {

  static final String VERBOSE = "--verbose";

  @Spec(Spec.Target.MIXEE)
  private CommandSpec command;

  @Option(
      names = "--json",
      description = "Print the result as one JSON object, and nothing else, on standard output.")
  private boolean json;

  @Option(names = VERBOSE, description = "Log more, and show stack traces of errors.")
  private boolean verbose;

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "Show this help and exit.")
  private boolean help;

  /** For picocli, which makes the instance. */
  public CommonOptions() {}

  /** Whether the result is wanted as JSON. */
  public boolean json() {
    return json;
  }

  /** Standard output. */
  public PrintWriter out() {
    return command.commandLine().getOut();
  }

  /**
   * Prints the result of a command: as JSON where it is asked for, else as lines.
   *
   * @param fields of maps, lists, strings, numbers and booleans; the command's help documents them
   * @param lines the same for people
   */
  public void print(Map<String, ?> fields, List<String> lines) {
    PrintWriter out = out();
    if (json) {
      out.println(toJson(fields));
    } else {
      lines.forEach(out::println);
    }
    out.flush();
  }

  private static String toJson(Map<String, ?> fields) {
    try {
      return new ObjectMapper().writeValueAsString(fields);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("this result can't be written as JSON: " + fields, e);
    }
  }
}
