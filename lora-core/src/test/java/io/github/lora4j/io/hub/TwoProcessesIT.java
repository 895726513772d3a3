package io.github.lora4j.io.hub;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TwoProcessesIT {

  @TempDir Path cache;

  /** Downloads in a JVM of its own. */
  public static final class Program {
    private Program() {}

    /** Takes the endpoint and the cache. */
    public static void main(String[] args) {
      HubOptions options = HubTests.options(args[0], Path.of(args[1])).build();
      System.out.println(ModelHub.download(FakeHub.REPO, options));
    }
  }

  @Test
  void twoProcessesDownloadEachFileOnce() throws IOException, InterruptedException {
    byte[] weights = FakeHub.bytes(100_000);
    try (FakeHub hub = new FakeHub().model()) {
      // Slow enough for the second process to arrive while the first still downloads.
      hub.always(
          "GET /model.safetensors",
          exchange -> {
            exchange.sendResponseHeaders(200, weights.length);
            for (int at = 0; at < weights.length; at += 5_000) {
              exchange.getResponseBody().write(weights, at, 5_000);
              exchange.getResponseBody().flush();
              sleep(100);
            }
          });
      Process one = start(hub);
      Process other = start(hub);
      String expected = HubTests.repo(cache).resolve("snapshots").resolve(FakeHub.COMMIT) + "\n";
      assertThat(output(one)).endsWith(expected);
      assertThat(output(other)).endsWith(expected);
      assertThat(hub.requests()).filteredOn(r -> r.startsWith("GET /model.safetensors")).hasSize(1);
    }
  }

  private Process start(FakeHub hub) throws IOException {
    return new ProcessBuilder(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                Program.class.getName(),
                hub.endpoint().toString(),
                cache.toString()))
        .redirectErrorStream(true)
        .start();
  }

  private static String output(Process process) throws IOException, InterruptedException {
    String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(text).isZero();
    return text.replace(System.lineSeparator(), "\n");
  }

  private static void sleep(long milliseconds) {
    try {
      Thread.sleep(milliseconds);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
