package io.github.lora4j.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.github.lora4j.error.HubException;
import io.github.lora4j.io.hub.DownloadProgress;
import io.github.lora4j.io.hub.HubOptions;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Tokenizers are loaded by the names of their repositories, from a hub on this machine. */
class TokenizerByNameTest {

  private static final String REPO = "org/name";
  private static final String COMMIT = "0123456789abcdef0123456789abcdef01234567";

  @TempDir Path cache;

  private final Path folder = Tokenizers.tiny("sentencepiece");
  private final List<String> asked = new CopyOnWriteArrayList<>();
  private HttpServer server;

  @BeforeEach
  void start() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext("/", this::answer);
    server.start();
  }

  @AfterEach
  void stop() {
    server.stop(0);
  }

  private HubOptions options() {
    return HubOptions.builder()
        .endpoint("http://127.0.0.1:" + server.getAddress().getPort())
        .cacheDir(cache)
        .anonymous()
        .offline(false)
        .progress(DownloadProgress.none())
        .build();
  }

  private void answer(HttpExchange exchange) throws IOException {
    try (exchange) {
      String path = exchange.getRequestURI().getPath();
      asked.add(path);
      String files = "/" + REPO + "/resolve/" + COMMIT + "/";
      if (path.equals("/api/models/" + REPO + "/revision/main")) {
        send(exchange, listing().getBytes(StandardCharsets.UTF_8));
      } else if (path.startsWith(files)) {
        byte[] content = Files.readAllBytes(folder.resolve(path.substring(files.length())));
        exchange.getResponseHeaders().set("ETag", '"' + hash(content) + '"');
        exchange.getResponseHeaders().set("X-Repo-Commit", COMMIT);
        send(exchange, content);
      } else {
        exchange.getResponseHeaders().set("X-Error-Code", "RepoNotFound");
        exchange.sendResponseHeaders(404, -1);
      }
    }
  }

  private static void send(HttpExchange exchange, byte[] content) throws IOException {
    if (exchange.getRequestMethod().equals("HEAD")) {
      exchange.getResponseHeaders().set("Content-Length", String.valueOf(content.length));
      exchange.sendResponseHeaders(200, -1);
    } else {
      exchange.sendResponseHeaders(200, content.length);
      exchange.getResponseBody().write(content);
    }
  }

  private String listing() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .map(file -> "{\"rfilename\":\"" + file.getFileName() + "\"}")
          .collect(
              Collectors.joining(
                  ",",
                  "{\"sha\":\"" + COMMIT + "\",\"siblings\":[",
                  ",{\"rfilename\":\"model.safetensors\"}]}"));
    }
  }

  /** The hash that git gives to a file. */
  private static String hash(byte[] content) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-1");
      digest.update(("blob " + content.length + "\0").getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(digest.digest(content));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void aNameIsDownloadedOnceAndWithoutTheWeights() {
    try (var named = PretrainedTokenizer.fromPretrained(REPO, options());
        var local = PretrainedTokenizer.fromPretrained(folder.toString())) {
      assertThat(named.encode("they made it", true)).isEqualTo(local.encode("they made it", true));
    }
    assertThat(asked).noneMatch(path -> path.endsWith(".safetensors"));
    int before = asked.size();
    PretrainedTokenizer.fromPretrained(REPO, options()).close();
    assertThat(asked.subList(before, asked.size())).noneMatch(path -> path.contains("/resolve/"));
  }

  @Test
  void aNameThatIsNotThereIsAnError() {
    assertThatThrownBy(() -> PretrainedTokenizer.fromPretrained("org/other", options()))
        .isInstanceOf(HubException.class)
        .hasMessageContaining("org/other");
    assertThatThrownBy(() -> PretrainedTokenizer.fromPretrained("./none", options()))
        .isInstanceOf(HubException.class)
        .hasMessageContaining("there is no folder");
  }
}
