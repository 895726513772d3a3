package io.github.lora4j.io.hub;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * The body of an answer, read by a thread that does not wait for ever.
 *
 * <p>The streams of java.net.http wait without a limit when a connection falls silent.
 */
final class Body implements HttpResponse.BodySubscriber<Body>, AutoCloseable {

  private final Duration patience;
  private final CompletableFuture<Flow.Subscription> subscription = new CompletableFuture<>();
  // Holds little: the next buffers are asked for when these are taken.
  private final BlockingQueue<Part> parts = new LinkedBlockingQueue<>();

  private sealed interface Part {}

  private record Data(List<ByteBuffer> buffers) implements Part {}

  private record Broken(Throwable cause) implements Part {}

  private record End() implements Part {}

  Body(Duration patience) {
    this.patience = patience;
  }

  @Override
  public CompletionStage<Body> getBody() {
    return CompletableFuture.completedFuture(this);
  }

  @Override
  public void onSubscribe(Flow.Subscription given) {
    given.request(1);
    subscription.complete(given);
  }

  @Override
  public void onNext(List<ByteBuffer> buffers) {
    parts.add(new Data(buffers));
  }

  @Override
  public void onError(Throwable cause) {
    parts.add(new Broken(cause));
  }

  @Override
  public void onComplete() {
    parts.add(new End());
  }

  /**
   * The next buffers, or empty at the end, and at every call after that.
   *
   * @throws HttpTimeoutException if nothing came for as long as the patience lasts
   * @throws IOException if the connection broke
   */
  Optional<List<ByteBuffer>> next() throws IOException, InterruptedException {
    Part part = parts.poll(patience.toMillis(), TimeUnit.MILLISECONDS);
    if (part instanceof Data data) {
      subscription.thenAccept(s -> s.request(1));
      return Optional.of(data.buffers());
    }
    if (part == null) {
      throw new HttpTimeoutException(
          "nothing came for %.1f seconds".formatted(patience.toMillis() / 1e3));
    }
    parts.add(part); // it stays the last one
    if (part instanceof Broken broken) {
      throw new IOException(String.valueOf(broken.cause().getMessage()), broken.cause());
    }
    return Optional.empty();
  }

  /**
   * All of a small body.
   *
   * @return empty if it is larger than the limit
   */
  Optional<byte[]> read(int limit) throws IOException, InterruptedException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (Optional<List<ByteBuffer>> part = next(); part.isPresent(); part = next()) {
      for (ByteBuffer buffer : part.get()) {
        if (out.size() + buffer.remaining() > limit) {
          return Optional.empty();
        }
        byte[] bytes = new byte[buffer.remaining()];
        buffer.get(bytes);
        out.writeBytes(bytes);
      }
    }
    return Optional.of(out.toByteArray());
  }

  /** Ends the transfer; what was not read is lost, and so is the connection. */
  @Override
  public void close() {
    subscription.thenAccept(Flow.Subscription::cancel);
  }
}
