package io.github.lora4j.io.hub;

import java.io.IOException;
import java.net.ConnectException;
import java.net.http.HttpTimeoutException;
import java.nio.channels.UnresolvedAddressException;
import java.security.cert.CertificateException;
import java.time.Duration;
import java.util.Objects;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Counts failures in a row, and waits longer after each. */
final class Attempts {

  private static final Logger LOG = LoggerFactory.getLogger(ModelHub.class);

  private final String what;
  private final Tuning.Retry retry;
  private int failures;

  Attempts(String what, Tuning.Retry retry) {
    this.what = what;
    this.retry = retry;
  }

  /** What may fail on the way. */
  @FunctionalInterface
  interface Attempt<T> {
    T run() throws IOException, InterruptedException, HubFailure;
  }

  /** Runs until it works, or has failed too often. */
  <T> T run(Attempt<T> attempt) throws InterruptedException, HubFailure {
    while (true) {
      try {
        return attempt.run();
      } catch (IOException e) {
        failed(e);
      }
    }
  }

  /** Something came through: later failures count from the beginning. */
  void progressed() {
    failures = 0;
  }

  /** Waits before the next attempt, or gives up. */
  void failed(IOException e) throws InterruptedException, HubFailure {
    failures++;
    if (failures >= retry.attempts() || isUntrusted(e)) {
      throw HubFailure.noAnswer(
          "%s: %s%s. %s"
              .formatted(
                  what,
                  reason(e),
                  failures > 1 ? " (%d attempts)".formatted(failures) : "",
                  advice(e)),
          e);
    }
    Duration pause = pause(e);
    LOG.warn("{}: {}; trying again in {} s", what, reason(e), pause.toMillis() / 1e3);
    retry.sleep().pause(pause);
  }

  private Duration pause(IOException e) {
    Duration growing = retry.first().multipliedBy(1L << Math.min(failures - 1, 20));
    Duration wanted = e instanceof BusyException busy ? busy.retryAfter().orElse(growing) : growing;
    return wanted.compareTo(retry.longest()) < 0 ? wanted : retry.longest();
  }

  private static String reason(IOException e) {
    if (e instanceof BusyException) {
      return String.valueOf(e.getMessage());
    }
    if (e instanceof HttpTimeoutException) {
      return "no answer in time (%s)".formatted(e.getMessage());
    }
    if (e instanceof ConnectException) {
      boolean unknown = causes(e).anyMatch(UnresolvedAddressException.class::isInstance);
      return "no connection" + (unknown ? ", the host's name is not known" : "");
    }
    return "the connection broke (%s)".formatted(ServerText.of(String.valueOf(e.getMessage())));
  }

  private static String advice(IOException e) {
    if (isUntrusted(e)) {
      return "The server's certificate is not trusted; behind a company's proxy, add the proxy's"
          + " certificate to a trust store and name it in -Djavax.net.ssl.trustStore";
    }
    if (e instanceof BusyException) {
      return "Try again later; what has arrived is kept";
    }
    return "Check the network and the proxy (-Dhttps.proxyHost, -Dhttps.proxyPort); what has"
        + " arrived is kept, and the next run goes on from there. HF_HUB_OFFLINE=1 uses what"
        + " is cached";
  }

  private static boolean isUntrusted(IOException e) {
    return causes(e).anyMatch(CertificateException.class::isInstance);
  }

  private static Stream<Throwable> causes(Throwable e) {
    return Stream.iterate(e, Objects::nonNull, Throwable::getCause);
  }
}
