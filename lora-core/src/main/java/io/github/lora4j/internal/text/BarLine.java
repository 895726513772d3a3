package io.github.lora4j.internal.text;

import java.io.OutputStream;
import java.io.PrintStream;
import java.io.PrintWriter;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBarConsumer;

/** The last line of a terminal: a bar is written over itself, lines go above it. */
public final class BarLine implements ProgressBarConsumer {

  private final PrintWriter out;
  // Only asked how wide the terminal is.
  private final ProgressBarConsumer width =
      new ConsoleProgressBarConsumer(new PrintStream(OutputStream.nullOutputStream()));
  private String shown = "";
  private boolean closed;

  /**
   * Writes to a terminal.
   *
   * @param out borrowed
   */
  public BarLine(PrintWriter out) {
    this.out = out;
  }

  @Override
  public int getMaxRenderedLength() {
    return width.getMaxRenderedLength();
  }

  @Override
  public synchronized void accept(String rendered) {
    if (!closed) {
      shown = rendered;
      out.print("\r" + rendered);
      out.flush();
    }
  }

  /** Writes a line in the bar's place, so that the bar moves down by one. */
  public synchronized void printAbove(String line) {
    // Spaces wipe out the rest of the bar on terminals without escape sequences too.
    String rest = " ".repeat(Math.max(0, getMaxRenderedLength() - line.length()));
    out.print("\r" + line + rest + System.lineSeparator());
    accept(shown);
    out.flush();
  }

  /** Leaves the bar as it is and begins a new line. */
  @Override
  public synchronized void close() {
    if (!closed) {
      closed = true;
      out.println();
      out.flush();
      width.close();
    }
  }
}
