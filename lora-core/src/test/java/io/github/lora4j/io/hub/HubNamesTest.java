package io.github.lora4j.io.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.URI;
import java.net.http.HttpHeaders;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Names of repositories, revisions, files and contents, the user's and the server's. */
class HubNamesTest {

  @ParameterizedTest
  @ValueSource(strings = {"gpt2", "org/name", "123", "Foo-BAR_foo.bar123", "a/b", "_a/b_"})
  void namesThatTheHubKnows(String name) {
    assertThatCode(() -> new RepoId(name)).doesNotThrowAnyException();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "/",
        "a/",
        "/a",
        "a/b/c",
        ".a/b",
        "a/b-",
        "a--b",
        "a/b..c",
        "a/b.git",
        "a b",
        "a/ü",
        "a\\b",
        "..",
        "../a",
        "a/b\n",
        "models:a",
        "a/b?c"
      })
  void namesThatItDoesNot(String name) {
    assertThatThrownBy(() -> new RepoId(name))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("repository: expected a name on the hub such as org/name, found '");
  }

  @Test
  void aNameHasAtMostNinetySixCharacters() {
    assertThat(RepoId.problem("a".repeat(96))).isEmpty();
    assertThat(RepoId.problem("a".repeat(97))).contains("at most 96");
    assertThat(new RepoId("org/name").folderName()).isEqualTo("models--org--name");
  }

  @ParameterizedTest
  @ValueSource(strings = {"main", "v1.0", "refs/pr/1", "0123abc", "feature/a_b-c"})
  void revisionsThatGitAllows(String name) {
    assertThatCode(() -> new Revision(name)).doesNotThrowAnyException();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "..", "a/../b", "/a", "a/", "a//b", ".a", "a/.b", "a\\b", "a:b", "a b"})
  void revisionsThatWouldLeaveTheirFolder(String name) {
    assertThatThrownBy(() -> new Revision(name))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("revision: expected a branch, a tag or a commit");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "/etc/passwd",
        "../a",
        "a/../b",
        "a//b",
        "a/",
        ".",
        "a\\b",
        "C:\\a",
        "C:a",
        "a:stream",
        "a\nb",
        "a\u001b[2J",
        "a.",
        "a ",
        "a/./b",
        "con|",
        "a?b",
        "a\u0085b"
      })
  void fileNamesThatNoServerGetsUsToUse(String name) {
    assertThat(FileNames.safe(name)).isFalse();
  }

  @ParameterizedTest
  @ValueSource(strings = {"config.json", "a/b.jinja", ".gitattributes", "with space.txt", "ü.json"})
  void fileNamesThatAreFine(String name) {
    assertThat(FileNames.safe(name)).isTrue();
  }

  @ParameterizedTest
  @CsvSource({"\"abc\",abc", "W/\"abc\",abc", "abc,abc", "\"a-b_c.1\",a-b_c.1"})
  void etagsLoseTheirQuotes(String header, String value) {
    assertThat(Etag.parse(header)).map(Etag::value).contains(value);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "\"\"", "\"..\"", "\"a/b\"", "\"a\\b\"", "\".a\"", "\"a b\"", "\"a.\""})
  void etagsThatAreNoFileNames(String header) {
    assertThat(Etag.parse(header)).isEmpty();
  }

  @Test
  void addressesAreEncoded() {
    URI endpoint = Endpoint.parse("endpoint", "https://hub.example/base/");
    RepoId repo = new RepoId("org/name");
    assertThat(Endpoint.listing(endpoint, repo, "refs/pr/1"))
        .hasToString("https://hub.example/base/api/models/org/name/revision/refs%2Fpr%2F1");
    assertThat(Endpoint.file(endpoint, repo, "c", "a b/ü?#.json"))
        .hasToString("https://hub.example/base/org/name/resolve/c/a%20b/%C3%BC%3F%23.json");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"hub.example", "ftp://a", "https://", "https://user:pw@a", "https://a?b", ""})
  void anEndpointIsAWebAddressWithoutSecrets(String endpoint) {
    assertThatThrownBy(() -> Endpoint.parse("HF_ENDPOINT", endpoint))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("HF_ENDPOINT: expected the address of a hub")
        .hasMessageNotContaining("pw");
  }

  @ParameterizedTest
  @CsvSource({
    "https://a/x,https://A:443/y,true",
    "https://a,http://a,false",
    "https://a,https://a:8443,false",
    "https://a,https://a.evil,false",
    "http://a:80,http://a,true"
  })
  void aServerIsSchemeHostAndPort(String one, String other, boolean same) {
    assertThat(Endpoint.sameOrigin(URI.create(one), URI.create(other))).isEqualTo(same);
  }

  @Test
  void encryptionIsNotGivenUpByARedirect() throws HubFailure {
    URI https = URI.create("https://hub.example");
    HttpHeaders headers =
        HttpHeaders.of(Map.of("Location", List.of("http://cdn/x?s=1")), (a, b) -> true);
    assertThatThrownBy(() -> HubHttp.target(https, https, headers))
        .isInstanceOf(HubFailure.class)
        .hasMessageContaining("redirects to http://cdn/x, without encryption");
    assertThat(HubHttp.target(URI.create("http://localhost"), https, headers))
        .hasToString("http://cdn/x?s=1");
  }
}
