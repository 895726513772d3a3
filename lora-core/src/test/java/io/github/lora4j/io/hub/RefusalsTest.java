package io.github.lora4j.io.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.github.lora4j.error.HubException;
import io.github.lora4j.testing.Logs;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Repositories that are gated, private or missing, and whom the token is shown to. */
class RefusalsTest {

  private static final String TOKEN = "hf_verySecret";

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

  private Path anonymous() {
    return ModelHub.download(FakeHub.REPO, HubTests.options(hub, cache).build());
  }

  private Path withToken() {
    return ModelHub.download(FakeHub.REPO, HubTests.options(hub, cache).token(TOKEN).build());
  }

  @Test
  void aGatedRepositorySaysWhereToAcceptItsTerms() {
    hub.always(
        "/resolve/", FakeHub.refuse(401, "GatedRepo", "Access to model org/name is restricted"));
    assertThatThrownBy(this::anonymous)
        .isInstanceOf(HubException.class)
        .hasMessageContaining("org/name is gated")
        .hasMessageContaining("Open " + hub.endpoint() + "/org/name, accept them")
        .hasMessageContaining("set HF_TOKEN, or HubOptions' token. (None was sent)")
        .hasMessageContaining("[status 401: Access to model org/name is restricted]");
    assertThatThrownBy(this::withToken)
        .isInstanceOf(HubException.class)
        .hasMessageContaining("(the token from HubOptions was sent; it has no access yet");
  }

  @Test
  void aPrivateOrMissingRepositoryCannotBeToldApart() {
    hub.always("/api/", FakeHub.refuse(401, "RepoNotFound", "Invalid username or password."));
    assertThatThrownBy(this::anonymous)
        .isInstanceOf(HubException.class)
        .hasMessageContaining(hub.endpoint() + " has no repository org/name that we may see")
        .hasMessageContaining(
            "Check the spelling (a local folder is ./org/name). If it is private, a token is");
    assertThatThrownBy(this::withToken)
        .isInstanceOf(HubException.class)
        .hasMessageContaining("its account has no access or it has expired");
  }

  @Test
  void aTokenThatTheHubDoesNotKnowIsNotBlamedOnTheRepository() {
    hub.always("/api/", FakeHub.refuse(401, "", "Invalid credentials in Authorization header"));
    assertThatThrownBy(this::withToken)
        .isInstanceOf(HubException.class)
        .hasMessageContaining("the hub does not accept the token from HubOptions")
        .hasMessageContaining("/settings/tokens");
  }

  @Test
  void aTokenWithoutThePermissionIsNamed() {
    hub.always("/resolve/", FakeHub.refuse(403, "", "Forbidden"));
    assertThatThrownBy(this::withToken)
        .isInstanceOf(HubException.class)
        .hasMessageContaining("org/name: access to config.json is forbidden")
        .hasMessageContaining("a fine-grained token needs read access");
  }

  @Test
  void aMissingRevisionComesWithThoseThatAreThere() {
    hub.always("/revision/v1", FakeHub.refuse(404, "RevisionNotFound", "Invalid rev id: v1"));
    hub.always(
        "/api/models/org/name/refs",
        exchange -> {
          byte[] refs =
              "{\"branches\": [{\"name\": \"main\"}], \"tags\": [{\"name\": \"v1.0\"}]}"
                  .getBytes(StandardCharsets.UTF_8);
          exchange.sendResponseHeaders(200, refs.length);
          exchange.getResponseBody().write(refs);
        });
    HubOptions options = HubTests.options(hub, cache).revision("v1").build();
    assertThatThrownBy(() -> ModelHub.download(FakeHub.REPO, options))
        .isInstanceOf(HubException.class)
        .hasMessageContaining("org/name has no revision v1 (did you mean v1.0?)")
        .hasMessageContaining("It has main, v1.0 [status 404: Invalid rev id: v1]");
  }

  @Test
  void aFileThatIsListedAndGoneIsNamed() {
    hub.always("/resolve/", FakeHub.refuse(404, "EntryNotFound", "Entry not found"));
    assertThatThrownBy(this::anonymous)
        .isInstanceOf(HubException.class)
        .hasMessageContaining("org/name has no file config.json at revision main");
  }

  @Test
  void whatIsNoHubIsSaidToBeNone() {
    hub.always("/api/", exchange -> exchange.sendResponseHeaders(200, -1));
    assertThatThrownBy(this::anonymous)
        .isInstanceOf(HubException.class)
        .hasMessageContaining("a list of files without a commit")
        .hasMessageContaining("check HF_ENDPOINT");
  }

  @Test
  void aServerWithoutTheHubsHeadersIsNoHub() {
    hub.always("HEAD ", exchange -> exchange.sendResponseHeaders(200, -1));
    assertThatThrownBy(this::anonymous)
        .isInstanceOf(HubException.class)
        .hasMessageContaining("commit nothing for config.json instead of " + FakeHub.COMMIT);
  }

  @Test
  void anEtagThatIsNoFileNameIsRefused() {
    hub.always(
        "HEAD ",
        exchange -> {
          exchange.getResponseHeaders().set("X-Repo-Commit", FakeHub.COMMIT);
          exchange.getResponseHeaders().set("ETag", "\"../../evil\"");
          exchange.sendResponseHeaders(200, -1);
        });
    assertThatThrownBy(this::anonymous)
        .isInstanceOf(HubException.class)
        .hasMessageContaining("the ETag '\"../../evil\"' for config.json");
    assertThat(cache).isEmptyDirectory();
  }

  @Test
  void aPrivateRepositoryThatIsCachedIsUsedWithAWarning() {
    Path folder = withToken();
    hub.always("/api/", FakeHub.refuse(401, "RepoNotFound", "Invalid username or password."));
    List<Path> found = new ArrayList<>();
    String log = Logs.of(() -> found.add(anonymous()));
    assertThat(found).containsExactly(folder);
    assertThat(log).contains("has no repository org/name that we may see");
  }

  @Test
  void aGatedRepositoryThatIsCachedUpToTrifles() throws IOException {
    Path folder = withToken();
    Files.delete(folder.resolve("tokenizer.json"));
    hub.always("/resolve/", FakeHub.refuse(401, "GatedRepo", "restricted"));
    assertThat(anonymous()).isEqualTo(folder);
    Files.delete(folder.resolve("model.safetensors"));
    assertThatThrownBy(this::anonymous).hasMessageContaining("org/name is gated");
  }

  @Test
  void theTokenGoesToTheHubAndNowhereElse() {
    withToken();
    assertThat(hub.seen()).anyMatch(seen -> seen.who().equals("store"));
    assertThat(hub.seen())
        .allSatisfy(
            seen ->
                assertThat(seen.header("Authorization").isPresent())
                    .isEqualTo(seen.who().equals("hub")));
  }

  @Test
  void theTokenStandsInNoMessageAndNoLog() {
    hub.once("GET /model.safetensors", FakeHub.breakAfter(10, new byte[100_000]));
    hub.always("/config.json", FakeHub.refuse(403, "", "no access for " + TOKEN));
    List<Throwable> errors = new ArrayList<>();
    String log = Logs.of(() -> errors.add(catchThrowable(this::withToken)));
    assertThat(errors.get(0))
        .isInstanceOf(HubException.class)
        .hasMessageContaining("no access for ***");
    assertThat(errors.get(0)).hasStackTraceContaining("HubFailure");
    assertThat(errors.get(0).toString() + log).doesNotContain(TOKEN);
    HubOptions options = HubTests.options(hub, cache).token(TOKEN).build();
    assertThat(options.toString() + options.token()).doesNotContain(TOKEN);
  }

  @Test
  void aTokenThatCannotBeSentIsRefusedWithoutItsValue() {
    HubOptions.Builder options = HubTests.options(hub, cache);
    assertThatThrownBy(() -> options.token("hf_a\nb"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("the access token from HubOptions")
        .hasMessageNotContaining("hf_a");
  }

  @Test
  void aRedirectWithinTheHubIsFollowedWithTheToken() {
    hub.once("GET /api/", FakeHub.redirect("/api/models/org/name/revision/moved"));
    withToken();
    assertThat(hub.seen().get(1).request()).isEqualTo("GET /api/models/org/name/revision/moved");
    assertThat(hub.seen().get(1).header("Authorization")).contains("Bearer " + TOKEN);
  }

  @Test
  void whoSendsUsBackToTheHubGetsNoToken() {
    hub.once("GET /api/", FakeHub.redirect(hub.storeAddress() + "/away"));
    hub.once("GET /away", FakeHub.redirect(hub.endpoint() + "/api/models/org/name/revision/back"));
    withToken();
    assertThat(hub.seen().get(2).request()).isEqualTo("GET /api/models/org/name/revision/back");
    assertThat(hub.seen().get(2).header("Authorization")).isEmpty();
  }

  @Test
  void redirectsWithoutEndAreGivenUp() {
    hub.always("GET /api/", FakeHub.redirect("/api/models/org/name/revision/main"));
    assertThatThrownBy(this::anonymous)
        .isInstanceOf(HubException.class)
        .hasMessageContaining("more than 10 redirects");
    assertThat(hub.seen()).hasSize(11);
  }

  @Test
  void aRedirectToNoWebAddressIsNotFollowed() {
    for (String location : List.of("file:///etc/passwd", "http://", "http://a b/", "")) {
      hub.once("GET /api/", FakeHub.redirect(location));
      assertThatThrownBy(this::anonymous)
          .as(location)
          .isInstanceOf(HubException.class)
          .hasMessageContaining("LoRA4J does not follow it");
    }
  }
}
