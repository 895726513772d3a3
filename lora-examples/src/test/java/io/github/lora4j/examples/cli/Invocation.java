package io.github.lora4j.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.lora4j.examples.Main;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.Arrays;

/** What a command line printed and how it ended, run in this process. */
record Invocation(int exitCode, String out, String err) {

  static Invocation of(Object... args) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int exitCode =
        CommandRunner.of(new Main())
            .setOut(new PrintWriter(out))
            .setErr(new PrintWriter(err))
            .execute(Arrays.stream(args).map(Object::toString).toArray(String[]::new));
    return new Invocation(exitCode, out.toString(), err.toString());
  }

  Invocation succeeds() {
    assertThat(this).extracting(Invocation::exitCode, Invocation::err).containsExactly(0, "");
    return this;
  }

  /** The single JSON object that standard output consists of. */
  JsonNode json() {
    succeeds();
    assertThat(out.strip().lines()).hasSize(1);
    try {
      return new ObjectMapper().readTree(out);
    } catch (JsonProcessingException e) {
      throw new AssertionError(out, e);
    }
  }

  /** The one line on standard error, without a stack trace, of a failure that a user can mend. */
  String failure() {
    assertThat(exitCode).as(err).isEqualTo(1);
    assertThat(out).isEmpty();
    assertThat(err).startsWith("error: ").doesNotContain("\tat ");
    return err;
  }
}
