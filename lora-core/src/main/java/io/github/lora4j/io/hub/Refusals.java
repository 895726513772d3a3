package io.github.lora4j.io.hub;

import io.github.lora4j.internal.text.Suggestions;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpHeaders;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What an answer other than the wanted one means, and what the user can do. */
final class Refusals {

  // 408 and 429 ask for it; the others are a gateway's or a server's bad moment.
  private static final Set<Integer> BUSY = Set.of(408, 429, 500, 502, 503, 504);
  private static final Pattern RESET = Pattern.compile(";\\s*t\\s*=\\s*(\\d{1,6})");

  private final RepoId repo;
  private final Revision revision;
  private final URI endpoint;
  private final Optional<HubToken> token;
  private final Supplier<List<String>> knownRevisions;

  /**
   * Speaks about one repository.
   *
   * @param knownRevisions asks the hub for branches and tags; empty if it doesn't tell
   */
  Refusals(
      RepoId repo,
      Revision revision,
      URI endpoint,
      Optional<HubToken> token,
      Supplier<List<String>> knownRevisions) {
    this.repo = repo;
    this.revision = revision;
    this.endpoint = endpoint;
    this.token = token;
    this.knownRevisions = knownRevisions;
  }

  /** Throws unless the answer is a good one, or a redirect that was to be kept. */
  void check(HttpResponse<?> response, String what) throws IOException, HubFailure {
    int status = response.statusCode();
    if (BUSY.contains(status)) {
      throw new BusyException(
          status == 429
              ? "too many requests (status 429%s)"
                  .formatted(token.isPresent() ? "" : "; a token in HF_TOKEN raises the limit")
              : "the server is busy or broken (status %d)".formatted(status),
          retryAfter(response.headers()));
    }
    if (status >= 400) {
      throw refusal(response, what);
    }
  }

  private static Optional<Duration> retryAfter(HttpHeaders headers) {
    // The hub's own header has the form "api";r=0;t=55.
    Matcher reset = RESET.matcher(headers.firstValue("RateLimit").orElse(""));
    return headers
        .firstValue("Retry-After")
        .filter(seconds -> seconds.matches("\\d{1,6}"))
        .or(() -> reset.find() ? Optional.of(reset.group(1)) : Optional.empty())
        .map(seconds -> Duration.ofSeconds(Long.parseLong(seconds)));
  }

  private HubFailure refusal(HttpResponse<?> response, String what) {
    int status = response.statusCode();
    String code = response.headers().firstValue("X-Error-Code").orElse("");
    String message = response.headers().firstValue("X-Error-Message").orElse("");
    String said = said(status, message);
    switch (code) {
      case "GatedRepo":
        return HubFailure.noAnswer(gated() + said, null);
      case "RevisionNotFound":
        return HubFailure.definite(revisionMissing() + said);
      case "EntryNotFound":
        return HubFailure.definite(
            "%s has no file %s at revision %s%s".formatted(repo, what, revision, said));
      case "RepoNotFound":
        return HubFailure.noAnswer(repoMissing() + said, null);
      default:
        return HubFailure.noAnswer(other(status, message, what) + said, null);
    }
  }

  private String other(int status, String message, String what) {
    if (message.contains("Access to this resource is disabled")) {
      return "%s is disabled on the hub: %s/%s says why".formatted(repo, endpoint, repo);
    }
    if (status == 401 && message.contains("Invalid credentials") && token.isPresent()) {
      return "%s: the hub does not accept %s. It may have expired: make a new one at"
              .formatted(repo, token.get())
          + " %s/settings/tokens".formatted(endpoint);
    }
    if (status == 401) {
      return repoMissing();
    }
    if (status == 403) {
      return "%s: access to %s is forbidden. %s"
          .formatted(
              repo,
              what,
              token.isPresent()
                  ? "The permissions of "
                      + token.get()
                      + " do not include it; a fine-grained token"
                      + " needs read access to this repository"
                  : giveToken());
    }
    return "%s: expected %s at %s, which is no address of a Hugging Face hub or does not have it;"
            .formatted(repo, what, endpoint)
        + " check the name, and HF_ENDPOINT where it is set";
  }

  private String gated() {
    return "%s is gated: its owners give access to accounts that have accepted their terms."
            .formatted(repo)
        + " Open %s/%s, accept them, and ".formatted(endpoint, repo)
        + token
            .map(
                t ->
                    "use a token of the same account. (%s was sent; it has no access yet, or may not"
                            .formatted(t)
                        + " read gated repositories)")
            .orElse(
                "give a token of that account: set HF_TOKEN, or HubOptions' token. (None was"
                    + " sent)");
  }

  private String repoMissing() {
    return "%s has no repository %s that we may see. Check the spelling (a local folder is ./%s). If"
            .formatted(endpoint, repo, repo)
        + " it is private, %s"
            .formatted(
                token
                    .map(t -> t + " was sent, and its account has no access or it has expired")
                    .orElse(giveToken()));
  }

  private static String giveToken() {
    return "a token is needed: set HF_TOKEN, or HubOptions' token (none was sent)";
  }

  private String revisionMissing() {
    List<String> known = knownRevisions.get();
    return "%s has no revision %s%s. "
            .formatted(repo, revision, Suggestions.didYouMean(revision.name(), known))
        + (known.isEmpty()
            ? "Its branches and tags stand at %s/%s/tree/main".formatted(endpoint, repo)
            : "It has " + String.join(", ", known));
  }

  private String said(int status, String message) {
    String text = token.map(t -> t.hideIn(message)).orElse(message).strip();
    return text.isEmpty()
        ? " [status %d]".formatted(status)
        : " [status %d: %s]".formatted(status, ServerText.of(text));
  }
}
