package io.github.lora4j.io.hub;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Requests to the hub; follows redirects itself, so that the token goes nowhere else. */
final class HubHttp {

  private static final Logger LOG = LoggerFactory.getLogger(ModelHub.class);
  private static final int MOST_REDIRECTS = 10;
  private static final int SMALL_BODY = 1 << 16;

  private final URI endpoint;
  private final Optional<HubToken> token;
  private final Tuning tuning;
  private final HttpClient client;

  HubHttp(URI endpoint, Optional<HubToken> token, Tuning tuning) {
    this.endpoint = endpoint;
    this.token = token;
    this.tuning = tuning;
    // HTTP/1.1: one stream of bytes at a time gains nothing from HTTP/2, and it breaks off cleanly.
    this.client =
        HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .followRedirects(HttpClient.Redirect.NEVER)
            .connectTimeout(tuning.connect())
            .build();
    if (token.isPresent() && !Endpoint.isPrivate(endpoint)) {
      LOG.warn("{} goes to {} without encryption", token.get(), endpoint);
    }
  }

  URI endpoint() {
    return endpoint;
  }

  Optional<HubToken> token() {
    return token;
  }

  /** Reads a small resource. */
  HttpResponse<Body> get(URI address) throws IOException, InterruptedException, HubFailure {
    return send("GET", address, 0, headers -> false);
  }

  /** Reads a file from a position on. */
  HttpResponse<Body> get(URI address, long from)
      throws IOException, InterruptedException, HubFailure {
    return send("GET", address, from, headers -> false);
  }

  /**
   * Asks for headers only.
   *
   * @param enough says of a redirect's headers that they are what is wanted
   */
  HttpResponse<Body> head(URI address, Predicate<HttpHeaders> enough)
      throws IOException, InterruptedException, HubFailure {
    return send("HEAD", address, 0, enough);
  }

  private HttpResponse<Body> send(
      String method, URI address, long from, Predicate<HttpHeaders> enough)
      throws IOException, InterruptedException, HubFailure {
    URI here = address;
    boolean onTheHub = true;
    for (int redirects = 0; redirects <= MOST_REDIRECTS; redirects++) {
      // Once we have left, whoever sent us on does not get to choose what the token opens.
      onTheHub &= Endpoint.sameOrigin(endpoint, here);
      HttpResponse<Body> response = exchange(request(method, here, from, onTheHub));
      boolean redirected = response.statusCode() / 100 == 3 && response.statusCode() != 304;
      if (!redirected || enough.test(response.headers())) {
        return response;
      }
      try (Body body = response.body()) {
        body.read(SMALL_BODY); // so that the connection can be used again
        here = target(endpoint, here, response.headers());
      }
    }
    throw HubFailure.noAnswer(
        "%s: more than %d redirects".formatted(ServerText.of(address), MOST_REDIRECTS), null);
  }

  /**
   * Waits for the headers. The request's own timeout may cover the body too, depending on the JDK,
   * and a large body takes hours.
   */
  private HttpResponse<Body> exchange(HttpRequest request)
      throws IOException, InterruptedException {
    CompletableFuture<HttpResponse<Body>> answer =
        client.sendAsync(request, info -> new Body(tuning.stall()));
    try {
      return answer.get(tuning.answer().toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      answer.cancel(true);
      throw new HttpTimeoutException(
          "no headers for %.1f seconds".formatted(tuning.answer().toMillis() / 1e3));
    } catch (InterruptedException e) {
      answer.cancel(true);
      throw e;
    } catch (ExecutionException e) {
      if (e.getCause() instanceof IOException cause) {
        throw cause; // its type says whether there was a connection at all
      }
      throw new IOException(e.getCause());
    }
  }

  private HttpRequest request(String method, URI address, long from, boolean onTheHub) {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(address)
            .method(method, HttpRequest.BodyPublishers.noBody())
            .header("User-Agent", "lora4j")
            .header("Accept-Encoding", "identity"); // sizes and positions are the file's own
    if (from > 0) {
      request.header("Range", "bytes=" + from + "-");
    }
    if (onTheHub) {
      token.ifPresent(t -> request.header("Authorization", "Bearer " + t.value()));
    }
    return request.build();
  }

  /** Where a redirect leads: to the web, and encrypted unless the hub itself is not. */
  static URI target(URI endpoint, URI from, HttpHeaders headers) throws HubFailure {
    String location = headers.firstValue("Location").orElse("");
    URI target;
    try {
      target = from.resolve(location);
    } catch (IllegalArgumentException e) {
      throw noTarget(from, "an address that is none", e);
    }
    if (location.isEmpty() || !Endpoint.isWeb(target)) {
      throw noTarget(from, location.isEmpty() ? "nowhere" : "no web address", null);
    }
    if (Endpoint.scheme(target).equals("http") && !Endpoint.scheme(endpoint).equals("http")) {
      throw noTarget(from, "%s, without encryption".formatted(ServerText.of(target)), null);
    }
    return target;
  }

  private static HubFailure noTarget(URI from, String where, @Nullable Throwable cause) {
    return HubFailure.noAnswer(
        "%s redirects to %s; LoRA4J does not follow it".formatted(ServerText.of(from), where),
        cause);
  }
}
