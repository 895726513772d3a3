package io.github.lora4j.io.hub;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.lora4j.error.HubException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Several threads download into one cache; one stops in the middle. */
class SharedCacheTest {

  @TempDir Path cache;
  private FakeHub hub;

  @BeforeEach
  void open() {
    hub = new FakeHub().model();
  }

  @AfterEach
  void close() {
    hub.close();
  }

  private Path download() {
    return ModelHub.download(FakeHub.REPO, HubTests.options(hub, cache).build());
  }

  @Test
  void fourThreadsDownloadEachFileOnce() throws Exception {
    CountDownLatch together = new CountDownLatch(4);
    ExecutorService threads = Executors.newFixedThreadPool(4);
    try {
      List<Future<Path>> results = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        results.add(
            threads.submit(
                () -> {
                  together.countDown();
                  together.await();
                  return download();
                }));
      }
      for (Future<Path> result : results) {
        assertThat(result.get().resolve("model.safetensors"))
            .hasBinaryContent(FakeHub.bytes(100_000));
      }
    } finally {
      threads.shutdownNow();
    }
    assertThat(hub.downloaded())
        .containsExactlyInAnyOrder("config.json", "tokenizer.json", "model.safetensors");
  }

  @Test
  void aThreadThatIsInterruptedStopsAndKeepsWhatArrived() throws Exception {
    CountDownLatch arrived = new CountDownLatch(1);
    CountDownLatch stopped = new CountDownLatch(1);
    hub.once(
        "GET /model.safetensors",
        exchange -> {
          exchange.sendResponseHeaders(200, 100_000);
          exchange.getResponseBody().write(FakeHub.bytes(100_000), 0, 30_000);
          exchange.getResponseBody().flush();
          arrived.countDown();
          try {
            stopped.await();
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
        });
    Tuning quick = HubTests.tuning(new ArrayList<>(), Long.MAX_VALUE);
    Tuning patient =
        new Tuning(
            quick.connect(), quick.answer(), quick.answer(), quick.retry(), true, quick.disk());
    HubOptions options = HubTests.options(hub, cache).tuning(patient).build();
    CompletableFuture<RuntimeException> failure = new CompletableFuture<>();
    AtomicBoolean interrupted = new AtomicBoolean();
    Thread thread =
        new Thread(
            () -> {
              try {
                ModelHub.download(FakeHub.REPO, options);
              } catch (RuntimeException e) {
                interrupted.set(Thread.currentThread().isInterrupted());
                failure.complete(e);
              }
            });
    thread.start();
    arrived.await();
    while (HubTests.tree(cache).stream().noneMatch(name -> name.endsWith(".incomplete"))) {
      Thread.onSpinWait();
    }
    thread.interrupt();
    thread.join();
    stopped.countDown();
    assertThat(interrupted).isTrue();
    assertThat(failure.get())
        .isInstanceOf(HubException.class)
        .hasMessageContaining("the download of org/name was interrupted; what has arrived is kept");
    assertThat(download().resolve("model.safetensors")).hasBinaryContent(FakeHub.bytes(100_000));
  }
}
