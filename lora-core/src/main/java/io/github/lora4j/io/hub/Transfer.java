package io.github.lora4j.io.hub;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Brings the bytes of one file to the disk, over as many connections as it takes. */
final class Transfer {

  private static final Pattern CONTENT_RANGE =
      Pattern.compile("bytes (\\d{1,18})-(\\d{1,18})/(\\d{1,18})");
  private static final Duration SAY_EVERY = Duration.ofMillis(100);

  private final HubClient client;
  private final String commit;
  private final RemoteFile file;
  private final Path target;
  private final DownloadProgress progress;
  private long said = System.nanoTime();

  Transfer(
      HubClient client, String commit, RemoteFile file, Path target, DownloadProgress progress) {
    this.client = client;
    this.commit = commit;
    this.file = file;
    this.target = target;
    this.progress = progress;
  }

  /** Goes on with what is there, until the file has its size. */
  void run(Attempts attempts) throws InterruptedException, HubFailure {
    try (FileChannel out =
        FileChannel.open(target, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      if (out.size() > file.size()) {
        out.truncate(0);
      }
      progress.update(file.name(), out.size(), file.size());
      long most = out.size();
      while (out.size() < file.size()) {
        try {
          receive(out);
        } catch (IOException e) {
          // Only what was never there before is progress: a server may begin anew each time.
          if (out.size() > most) {
            most = out.size();
            attempts.progressed();
          }
          attempts.failed(e);
        }
      }
    } catch (IOException e) {
      throw cannotWrite(e);
    }
    progress.update(file.name(), file.size(), file.size());
  }

  private void receive(FileChannel out) throws IOException, InterruptedException, HubFailure {
    HttpResponse<Body> response = client.open(commit, file.name(), out.size());
    try (Body body = response.body()) {
      write(body, out, start(response, out));
    }
    if (out.size() < file.size()) {
      throw new IOException("it ended after %d of %d bytes".formatted(out.size(), file.size()));
    }
  }

  /** Where the body begins; a server may give all where we asked for the rest. */
  private long start(HttpResponse<Body> response, FileChannel out) throws IOException {
    long from = out.size();
    OptionalLong length = response.headers().firstValueAsLong("Content-Length");
    if (!response.headers().firstValue("Content-Encoding").orElse("identity").equals("identity")) {
      throw new IOException("the server compressed the file, though it was asked not to");
    }
    if (response.statusCode() == 200) {
      expect(length, file.size());
      truncate(out);
      return 0;
    }
    Matcher range =
        CONTENT_RANGE.matcher(response.headers().firstValue("Content-Range").orElse(""));
    if (response.statusCode() == 206 && range.matches() && Long.parseLong(range.group(1)) == from) {
      expect(OptionalLong.of(Long.parseLong(range.group(3))), file.size());
      expect(length, file.size() - from);
      return from;
    }
    truncate(out);
    throw new IOException(
        "the server does not go on at byte %d (status %d, %s)"
            .formatted(
                from,
                response.statusCode(),
                ServerText.of(response.headers().firstValue("Content-Range").orElse("no range"))));
  }

  private static void expect(OptionalLong announced, long size) throws IOException {
    if (announced.isPresent() && announced.getAsLong() != size) {
      throw new IOException(
          "the server announces %d bytes where %d were expected"
              .formatted(announced.getAsLong(), size));
    }
  }

  private void write(Body body, FileChannel out, long start)
      throws IOException, InterruptedException {
    long at = start;
    for (Optional<List<ByteBuffer>> part = body.next(); part.isPresent(); part = body.next()) {
      for (ByteBuffer buffer : part.get()) {
        if (buffer.remaining() > file.size() - at) {
          truncate(out);
          throw new IOException("more than the %d bytes that it has came".formatted(file.size()));
        }
        at += write(buffer, out, at);
      }
      say(at);
    }
  }

  private int write(ByteBuffer buffer, FileChannel out, long at) throws InterruptedException {
    int written = 0;
    try {
      while (buffer.hasRemaining()) {
        written += out.write(buffer, at + written);
      }
    } catch (ClosedByInterruptException e) {
      Thread.interrupted(); // who throws that exception takes the mark away
      throw interrupted(e);
    } catch (IOException e) {
      throw cannotWrite(e); // a full disk is no broken connection
    }
    return written;
  }

  private static InterruptedException interrupted(ClosedByInterruptException cause) {
    InterruptedException interrupted = new InterruptedException();
    interrupted.initCause(cause);
    return interrupted;
  }

  private void truncate(FileChannel out) {
    try {
      out.truncate(0);
    } catch (IOException e) {
      throw cannotWrite(e);
    }
  }

  private UncheckedIOException cannotWrite(IOException e) {
    return new UncheckedIOException("cannot write %s: %s".formatted(target, e.getMessage()), e);
  }

  private void say(long done) {
    long now = System.nanoTime();
    if (done < file.size() && now - said >= SAY_EVERY.toNanos()) {
      said = now;
      progress.update(file.name(), done, file.size());
    }
  }
}
