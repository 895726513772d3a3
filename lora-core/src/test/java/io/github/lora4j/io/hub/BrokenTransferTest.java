package io.github.lora4j.io.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpExchange;
import io.github.lora4j.error.HubException;
import io.github.lora4j.testing.Logs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Connections that break, stall and lie. */
class BrokenTransferTest {

  private static final String STORE = "GET /model.safetensors";
  private static final byte[] WEIGHTS = FakeHub.bytes(100_000);

  @TempDir Path cache;
  private FakeHub hub;
  private final List<Duration> pauses = new CopyOnWriteArrayList<>();

  @BeforeEach
  void open() {
    hub = new FakeHub().model();
  }

  @AfterEach
  void close() {
    hub.close();
  }

  private Path download() {
    Tuning tuning = HubTests.tuning(pauses, Long.MAX_VALUE);
    return ModelHub.download(FakeHub.REPO, HubTests.options(hub, cache).tuning(tuning).build());
  }

  private void assertWhole() {
    assertThat(download().resolve("model.safetensors")).hasBinaryContent(WEIGHTS);
    assertThat(HubTests.tree(cache)).noneMatch(name -> name.endsWith(".incomplete"));
  }

  /** From where the store was asked, "" for the whole file. */
  private List<String> ranges() {
    return hub.seen().stream()
        .filter(seen -> seen.who().equals("store"))
        .map(seen -> seen.header("Range").orElse(""))
        .toList();
  }

  private Path unfinished() {
    return HubTests.repo(cache)
        .resolve("blobs")
        .resolve(hub.etag("model.safetensors") + ".lora4j.incomplete");
  }

  /** Sends the rest, and announces whatever it likes. */
  private static FakeHub.Answer partial(int status, String contentRange, byte[] body) {
    return exchange -> {
      exchange.getResponseHeaders().set("Content-Range", contentRange);
      exchange.sendResponseHeaders(status, body.length == 0 ? -1 : body.length);
      exchange.getResponseBody().write(body);
    };
  }

  @Test
  void aBrokenConnectionIsResumedWhereItBroke() {
    hub.once(STORE, FakeHub.breakAfter(30_000, WEIGHTS));
    assertWhole();
    assertThat(ranges()).containsExactly("", "bytes=30000-");
    assertThat(pauses).containsExactly(Duration.ofSeconds(1));
  }

  @Test
  void whatAnEarlierRunLeftIsResumed() throws IOException {
    for (int i = 0; i < 3; i++) {
      hub.once(STORE, FakeHub.breakAfter(30_000, WEIGHTS));
    }
    assertThatThrownBy(this::download)
        .isInstanceOf(HubException.class)
        .hasMessageContaining("org/name/model.safetensors: the connection broke")
        .hasMessageContaining("the next run goes on from there");
    assertThat(unfinished()).hasSize(30_000);
    hub.seen().clear();
    assertWhole();
    assertThat(ranges()).containsExactly("bytes=30000-");
    assertThat(Files.exists(unfinished())).isFalse();
  }

  @Test
  void progressStartsTheCountOfAttemptsAnew() {
    for (int sent = 10_000; sent <= 80_000; sent += 10_000) {
      int from = sent - 10_000;
      hub.once(
          STORE,
          exchange -> {
            exchange
                .getResponseHeaders()
                .set("Content-Range", "bytes %d-99999/100000".formatted(from));
            exchange.sendResponseHeaders(from == 0 ? 200 : 206, 100_000 - from);
            exchange.getResponseBody().write(WEIGHTS, from, 10_000);
            exchange.getResponseBody().flush();
            exchange.close();
          });
    }
    assertWhole();
    assertThat(ranges()).hasSize(9);
    assertThat(pauses).containsOnly(Duration.ofSeconds(1));
  }

  @Test
  void aServerThatBeginsAnewEachTimeMakesNoProgress() {
    hub.always(STORE, FakeHub.breakAfter(30_000, WEIGHTS));
    assertThatThrownBy(this::download)
        .isInstanceOf(HubException.class)
        .hasMessageContaining("(3 attempts)");
    assertThat(ranges()).hasSize(3);
  }

  @Test
  void aServerThatCannotResumeSendsAllAgain() {
    hub.once(STORE, FakeHub.breakAfter(30_000, WEIGHTS));
    hub.once(STORE, FakeHub.breakAfter(100_000, WEIGHTS));
    assertWhole();
    assertThat(ranges()).containsExactly("", "bytes=30000-");
  }

  @Test
  void anAnswerFromTheWrongPlaceIsNotAppended() {
    hub.once(STORE, FakeHub.breakAfter(30_000, WEIGHTS));
    hub.once(STORE, partial(206, "bytes 100-99999/100000", new byte[99_900]));
    assertWhole();
    assertThat(ranges()).containsExactly("", "bytes=30000-", "");
  }

  @Test
  void aRangeThatIsRefusedStartsOver() {
    hub.once(STORE, FakeHub.breakAfter(30_000, WEIGHTS));
    hub.once(STORE, partial(416, "bytes */100000", new byte[0]));
    assertWhole();
    assertThat(ranges()).containsExactly("", "bytes=30000-", "");
  }

  @Test
  void aConnectionThatFallsSilentIsGivenUpAndResumed() {
    hub.once(
        STORE,
        exchange -> {
          exchange.sendResponseHeaders(200, WEIGHTS.length);
          exchange.getResponseBody().write(WEIGHTS, 0, 30_000);
          exchange.getResponseBody().flush();
          sleep(Duration.ofSeconds(20));
        });
    String log = Logs.of(this::assertWhole);
    assertThat(log).contains("model.safetensors: no answer in time (nothing came for 0.3 seconds)");
    assertThat(ranges()).containsExactly("", "bytes=30000-");
  }

  @Test
  void aServerThatDoesNotAnswerIsAskedAgain() {
    hub.once("GET /api/", exchange -> sleep(Duration.ofSeconds(20)));
    Tuning quick = impatient();
    HubOptions options = HubTests.options(hub, cache).tuning(quick).build();
    String log = Logs.of(() -> ModelHub.download(FakeHub.REPO, options));
    assertThat(log)
        .contains(
            "the list of files of org/name", "no answer in time (no headers for 0.3 seconds)");
  }

  @Test
  void aSlowBodyMayTakeLongerThanAnAnswer() {
    hub.once(
        STORE,
        exchange -> {
          exchange.sendResponseHeaders(200, WEIGHTS.length);
          for (int at = 0; at < WEIGHTS.length; at += 10_000) {
            exchange.getResponseBody().write(WEIGHTS, at, 10_000);
            exchange.getResponseBody().flush();
            sleep(Duration.ofMillis(60));
          }
        });
    HubOptions options = HubTests.options(hub, cache).tuning(impatient()).build();
    ModelHub.download(FakeHub.REPO, options);
    assertThat(ranges()).containsExactly("");
  }

  private Tuning impatient() {
    Tuning tuning = HubTests.tuning(pauses, Long.MAX_VALUE);
    return new Tuning(
        tuning.connect(), tuning.stall(), tuning.stall(), tuning.retry(), true, tuning.disk());
  }

  @Test
  void aSizeThatIsNotTheOneAnnouncedIsNotBelieved() {
    byte[] shorter = Arrays.copyOf(WEIGHTS, 60_000);
    hub.always(STORE, exchange -> send(exchange, shorter));
    assertThatThrownBy(this::download)
        .isInstanceOf(HubException.class)
        .hasMessageContaining("announces 60000 bytes where 100000 were expected");
  }

  @Test
  void moreBytesThanTheFileHasAreNotWritten() {
    hub.always(
        STORE,
        exchange -> {
          exchange.sendResponseHeaders(200, 0); // in chunks: no size is announced
          exchange.getResponseBody().write(FakeHub.bytes(300_000));
        });
    assertThatThrownBy(this::download)
        .isInstanceOf(HubException.class)
        .hasMessageContaining("more than the 100000 bytes that it has came");
    assertThat(unfinished()).hasSize(0);
  }

  @Test
  void fewerBytesThanTheFileHasAreAskedForAgain() {
    hub.once(
        STORE,
        exchange -> {
          exchange.sendResponseHeaders(200, 0);
          exchange.getResponseBody().write(WEIGHTS, 0, 40_000);
        });
    assertWhole();
    assertThat(ranges()).containsExactly("", "bytes=40000-");
  }

  @Test
  void aChangedFileIsDownloadedOnceMore() {
    byte[] changed = WEIGHTS.clone();
    changed[77_777]++;
    hub.once(STORE, exchange -> send(exchange, changed));
    String log = Logs.of(this::assertWhole);
    assertThat(log).contains("model.safetensors: its content has the hash");
    assertThat(ranges()).containsExactly("", "");
  }

  @Test
  void aFileThatStaysChangedIsAnErrorThatNamesBothHashes() {
    hub.always(STORE, exchange -> send(exchange, new byte[100_000]));
    assertThatThrownBy(this::download)
        .isInstanceOf(HubException.class)
        .hasMessageContaining(
            "its content has the hash"
                + " 9192c25b734fcbadbe32dadc28089c60db0e39f90cc20ce2e5733f57261acc0c")
        .hasMessageContaining("expected " + hub.etag("model.safetensors"));
    assertThat(unfinished()).doesNotExist();
  }

  @Test
  void smallFilesAreHashedAsGitDoes() {
    hub.always(
        "GET /org/name/resolve/" + FakeHub.COMMIT + "/config.json",
        e -> send(e, new byte[] {'[', ']'}));
    assertThatThrownBy(this::download)
        .isInstanceOf(HubException.class)
        .hasMessageContaining("config.json: its content has the hash")
        .hasMessageContaining("expected " + hub.etag("config.json"));
  }

  @Test
  void aBusyHubIsAskedAgainWhenItSays() {
    hub.once("GET /api/", busy("Retry-After", "7"));
    hub.once("GET /api/", busy("RateLimit", "\"api\";r=0;t=55"));
    hub.once("HEAD /org/name/resolve/" + FakeHub.COMMIT + "/config.json", busy("X", "y"));
    hub.once(STORE, busy("Retry-After", "100000"));
    assertWhole();
    assertThat(pauses)
        .containsExactly(
            Duration.ofSeconds(7),
            Duration.ofSeconds(55),
            Duration.ofSeconds(1),
            Duration.ofMinutes(5));
  }

  @Test
  void aHubThatStaysBusyIsAnError() {
    hub.always("GET /api/", FakeHub.refuse(503, "", "down"));
    assertThatThrownBy(this::download)
        .isInstanceOf(HubException.class)
        .hasMessageContaining("the server is busy or broken (status 503) (3 attempts)");
    assertThat(pauses).containsExactly(Duration.ofSeconds(1), Duration.ofSeconds(2));
  }

  private static FakeHub.Answer busy(String header, String value) {
    return exchange -> {
      exchange.getResponseHeaders().set(header, value);
      exchange.sendResponseHeaders(429, -1);
    };
  }

  private static void send(HttpExchange exchange, byte[] content) throws IOException {
    exchange.sendResponseHeaders(200, content.length);
    exchange.getResponseBody().write(content);
  }

  private static void sleep(Duration time) {
    try {
      Thread.sleep(time.toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
