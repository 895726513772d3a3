package io.github.lora4j.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;
import picocli.CommandLine.Command;

class CommandRunnerTest {

  @ParameterizedTest
  @ValueSource(strings = {"quickstart", "train", "generate", "evaluate", "merge", "logits"})
  void everyCommandHasHelpThatDocumentsItsJson(String command) {
    assertThat(Invocation.of(command, "--help").succeeds().out())
        .startsWith("Usage: lora-examples " + command)
        .contains("--model=MODEL", "--json fields:");
    assertThat(Invocation.of("--help").succeeds().out()).contains(command);
  }

  @Test
  void versionSaysWhichJava() {
    assertThat(Invocation.of("--version").succeeds().out()).contains("LoRA4J", "Java ");
  }

  @Test
  void wrongCommandLinesEndWithStatusTwoAndSayWhatIsWrong() {
    assertThat(Invocation.of())
        .returns(2, Invocation::exitCode)
        .extracting(Invocation::err)
        .asString()
        .contains("Which command?");
    assertThat(Invocation.of("trian"))
        .returns(2, Invocation::exitCode)
        .extracting(Invocation::err)
        .asString()
        .contains("'trian'", "train");
    assertThat(Invocation.of("generate", "--prompt", "x"))
        .returns(2, Invocation::exitCode)
        .extracting(Invocation::err)
        .asString()
        .contains("--model=MODEL", "Try 'lora-examples generate --help'");
    assertThat(Invocation.of("logits", "--model", "x", "--dtype", "int8"))
        .returns(2, Invocation::exitCode)
        .extracting(Invocation::err)
        .asString()
        .contains("expected f32, bf16 or f16, found 'int8'");
    assertThat(Invocation.of("generate", "--model", "x", "--prompt", "a", "--prompt-file", "b"))
        .returns(2, Invocation::exitCode)
        .extracting(Invocation::err)
        .asString()
        .startsWith("error: --prompt=TEXT, --prompt-file=FILE");
    assertThat(Invocation.of("generate", "--model", "x", "--device", "tpu"))
        .returns(2, Invocation::exitCode)
        .extracting(Invocation::err)
        .asString()
        .contains("cuda:N", "'tpu'");
  }

  @Test
  void whatAUserCanMendIsOneLineAndAStackTraceOnlyWhenAskedFor(@TempDir Path empty) {
    Object[] args = {"merge", "--model", empty, "--adapter", empty, "--output", empty + "/out"};
    assertThat(Invocation.of(args).failure()).contains("config.json is missing").hasLineCount(1);

    Object[] verbose = Arrays.copyOf(args, args.length + 1);
    verbose[args.length] = "--verbose";
    assertThat(Invocation.of(verbose))
        .returns(1, Invocation::exitCode)
        .extracting(Invocation::err)
        .asString()
        .contains("config.json is missing", "CheckpointFormatException", "\tat ");
  }

  @Command(name = "broken")
  static final class Broken implements Runnable {
    @Override
    public void run() {
      throw new IllegalStateException("a mistake of ours");
    }
  }

  @Test
  void mistakesOfOursShowWhereTheyHappened() {
    StringWriter err = new StringWriter();
    CommandLine line = CommandRunner.of(new Broken()).setErr(new PrintWriter(err));
    assertThat(line.execute()).isEqualTo(1);
    assertThat(err.toString()).contains("unexpected", "a mistake of ours", "\tat ", "Broken.run");
  }
}
