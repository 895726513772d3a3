package io.github.lora4j.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.lora4j.error.DatasetException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import org.junit.jupiter.api.Test;

class ErrorReportTest {

  @Test
  void errorsOfTheLibraryAreTheirMessage() {
    assertThat(line(new DatasetException("rows.csv, line 3: no")))
        .isEqualTo("rows.csv, line 3: no");
    assertThat(line(new IllegalArgumentException("r: 0"))).isEqualTo("r: 0");
  }

  @Test
  void diskErrorsSayWhatJavaLeavesOut() {
    assertThat(line(new UncheckedIOException(new NoSuchFileException("a.csv"))))
        .isEqualTo("a.csv: no such file or folder");
    assertThat(line(new UncheckedIOException("cannot read a", new NoSuchFileException("a"))))
        .isEqualTo("cannot read a (no such file or folder)");
    assertThat(line(new AccessDeniedException("a"))).isEqualTo("a: permission denied");
    assertThat(line(new FileAlreadyExistsException("a"))).contains("is not a folder");
    assertThat(line(new NoSuchFileException("a", null, "holds no model")))
        .isEqualTo("a: holds no model");
    assertThat(line(new UncheckedIOException("cannot write a", new IOException("disk full"))))
        .isEqualTo("cannot write a");
  }

  @Test
  void otherExceptionsComeWithTheirTrace() {
    assertThat(ErrorReport.of(new IllegalStateException("closed"), false))
        .startsWith("error: unexpected java.lang.IllegalStateException: closed")
        .contains("\tat ");
    assertThat(ErrorReport.of(new IllegalArgumentException(), false)).contains("\tat ");
  }

  private static String line(Exception e) {
    String report = ErrorReport.of(e, false);
    assertThat(report).startsWith("error: ").endsWith(System.lineSeparator()).hasLineCount(1);
    return report.substring("error: ".length()).strip();
  }
}
