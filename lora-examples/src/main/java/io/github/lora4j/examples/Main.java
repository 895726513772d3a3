package io.github.lora4j.examples;

import io.github.lora4j.examples.cli.CommandRunner;
import io.github.lora4j.examples.cli.EvaluateCommand;
import io.github.lora4j.examples.cli.GenerateCommand;
import io.github.lora4j.examples.cli.LogitsCommand;
import io.github.lora4j.examples.cli.MergeCommand;
import io.github.lora4j.examples.cli.QuickstartCommand;
import io.github.lora4j.examples.cli.TrainCommand;
import io.github.lora4j.examples.cli.VersionOfJar;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The command line: {@code java -jar lora-examples.jar <command>}. */
@Command(
    name = "lora-examples",
    mixinStandardHelpOptions = true,
    versionProvider = VersionOfJar.class,
    description = "Fine-tunes language models with LoRA, and uses what came out.",
    footer = {
      "",
      "Every command has --help. Results go to standard output, everything else to standard error.",
      "Exit status: 0 on success, 1 if the work failed, 2 if the command line can't be understood."
    },
    subcommands = {
      QuickstartCommand.class,
      TrainCommand.class,
      GenerateCommand.class,
      EvaluateCommand.class,
      MergeCommand.class,
      LogitsCommand.class
    })
public final class Main implements Runnable {

  @Spec private CommandSpec spec;

  /** Runs a command and ends the process with its exit status. */
  public static void main(String[] args) {
    System.exit(CommandRunner.of(new Main()).execute(args));
  }

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "Which command?");
  }
}
