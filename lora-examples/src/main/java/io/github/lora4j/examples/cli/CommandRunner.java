package io.github.lora4j.examples.cli;

import java.io.Console;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.OutputStreamWriter;
import java.io.PrintWriter;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.RunLast;
import picocli.CommandLine.UnmatchedArgumentException;

/**
 * Makes a picocli command line that ends as users and scripts expect: results on standard output,
 * one readable line on standard error for what a user can mend, exit status 0 on success alone.
 */
public final class CommandRunner {

  private CommandRunner() {}

  /** Returns the command line of an annotated object. */
  public static CommandLine of(Object command) {
    return new CommandLine(command)
        // Prompts may begin with an @; texts come from files by options of their own.
        .setExpandAtFiles(false)
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setUsageHelpAutoWidth(true)
        .setOut(standardOutput())
        .setExecutionStrategy(CommandRunner::run)
        .setExecutionExceptionHandler(
            (e, at, parsed) -> {
              at.getErr().print(ErrorReport.of(e, isVerbose(parsed)));
              at.getErr().flush();
              return CommandLine.ExitCode.SOFTWARE;
            })
        .setParameterExceptionHandler((e, args) -> reportUsage(e));
  }

  private static int run(ParseResult parsed) {
    if (isVerbose(parsed)) {
      // Before the first logger is made: it reads its level once.
      System.setProperty("org.slf4j.simpleLogger.log.io.github.lora4j", "debug");
    }
    return new RunLast().execute(parsed);
  }

  private static boolean isVerbose(ParseResult parsed) {
    return parsed.asCommandLineList().stream()
        .anyMatch(line -> line.getParseResult().hasMatchedOption(CommonOptions.VERBOSE));
  }

  private static int reportUsage(ParameterException e) {
    CommandLine at = e.getCommandLine();
    PrintWriter err = at.getErr();
    // Some of picocli's own messages begin with a word of that kind already.
    err.println("error: " + e.getMessage().replaceFirst("^Error: ", ""));
    if (!UnmatchedArgumentException.printSuggestions(e, err)) {
      err.println("Try '" + at.getCommandSpec().qualifiedName() + " --help'.");
    }
    err.flush();
    return CommandLine.ExitCode.USAGE;
  }

  /** UTF-8 for files and pipes, whatever the locale; a terminal gets what it can show. */
  private static PrintWriter standardOutput() {
    Console terminal = System.console();
    Charset charset = terminal == null ? StandardCharsets.UTF_8 : terminal.charset();
    return new PrintWriter(
        new OutputStreamWriter(new FileOutputStream(FileDescriptor.out), charset), true);
  }
}
