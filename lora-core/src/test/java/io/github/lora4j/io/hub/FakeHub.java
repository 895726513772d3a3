package io.github.lora4j.io.hub;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.Collectors;

/** A hub on this machine, and a store for large files on another port; misbehaves on demand. */
final class FakeHub implements AutoCloseable {

  static final String REPO = "org/name";
  static final String COMMIT = "0123456789abcdef0123456789abcdef01234567";

  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final HttpServer hub = server();
  private final HttpServer store = server();
  private final String repo;
  private final Map<String, byte[]> files = Collections.synchronizedMap(new TreeMap<>());
  private final Set<String> large = Collections.synchronizedSet(new HashSet<>());
  private final List<Rule> rules = new CopyOnWriteArrayList<>();
  private final List<Seen> seen = new CopyOnWriteArrayList<>();
  private volatile String commit = COMMIT;

  /** A request that came; {@code who} is "hub" or "store". */
  record Seen(String who, String request, Map<String, String> headers) {
    Optional<String> header(String name) {
      return Optional.ofNullable(headers.get(name.toLowerCase(Locale.ROOT)));
    }
  }

  /** Answers a request in a way of its own. */
  @FunctionalInterface
  interface Answer {
    void give(HttpExchange exchange) throws IOException;
  }

  private record Rule(String request, Answer answer, boolean once) {}

  FakeHub() {
    this(REPO);
  }

  FakeHub(String repo) {
    this.repo = repo;
    hub.createContext("/", exchange -> handle("hub", exchange, this::answer));
    store.createContext("/", exchange -> handle("store", exchange, this::fromStore));
    hub.start();
    store.start();
  }

  private HttpServer server() {
    try {
      HttpServer server =
          HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
      server.setExecutor(threads);
      return server;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  URI endpoint() {
    return address(hub);
  }

  URI storeAddress() {
    return address(store);
  }

  private static URI address(HttpServer server) {
    return URI.create("http://127.0.0.1:" + server.getAddress().getPort());
  }

  FakeHub commit(String hash) {
    this.commit = hash;
    return this;
  }

  FakeHub file(String name, String text) {
    return file(name, text.getBytes(StandardCharsets.UTF_8));
  }

  FakeHub file(String name, byte[] content) {
    files.put(name, content);
    return this;
  }

  /** A file whose content lies in the store. */
  FakeHub largeFile(String name, byte[] content) {
    large.add(name);
    return file(name, content);
  }

  /** What a small model has. */
  FakeHub model() {
    return file("config.json", "{}")
        .file("tokenizer.json", "{\"version\":\"1.0\"}")
        .largeFile("model.safetensors", bytes(100_000));
  }

  /** Bytes that are the same at each call. */
  static byte[] bytes(int count) {
    byte[] bytes = new byte[count];
    new Random(count).nextBytes(bytes);
    return bytes;
  }

  /** Answers requests of which "GET /path" contains a text, from now on. */
  FakeHub always(String request, Answer answer) {
    rules.add(new Rule(request, answer, false));
    return this;
  }

  /** Answers the next such request; several wait for their turn. */
  FakeHub once(String request, Answer answer) {
    rules.add(new Rule(request, answer, true));
    return this;
  }

  /** A refusal as the hub writes it. */
  static Answer refuse(int status, String code, String message) {
    return exchange -> {
      if (!code.isEmpty()) {
        exchange.getResponseHeaders().set("X-Error-Code", code);
      }
      exchange.getResponseHeaders().set("X-Error-Message", message);
      exchange.sendResponseHeaders(status, -1);
    };
  }

  static Answer redirect(String location) {
    return exchange -> {
      exchange.getResponseHeaders().set("Location", location);
      exchange.sendResponseHeaders(302, -1);
    };
  }

  /** All of these bytes are announced, and only some sent before the connection breaks. */
  static Answer breakAfter(int sent, byte[] content) {
    return exchange -> {
      exchange.sendResponseHeaders(200, content.length);
      exchange.getResponseBody().write(content, 0, sent);
      exchange.getResponseBody().flush();
      exchange.close();
    };
  }

  List<Seen> seen() {
    return seen;
  }

  /** The requests that came, without headers. */
  List<String> requests() {
    return seen.stream().map(Seen::request).toList();
  }

  /** The names of the files whose content was asked for. */
  List<String> downloaded() {
    return requests().stream()
        .filter(request -> request.startsWith("GET /" + repo + "/resolve/"))
        .map(request -> request.substring(request.indexOf(commit) + commit.length() + 1))
        .toList();
  }

  private void handle(String who, HttpExchange exchange, Answer usual) throws IOException {
    String request = exchange.getRequestMethod() + " " + exchange.getRequestURI();
    Map<String, String> headers = new LinkedHashMap<>();
    exchange
        .getRequestHeaders()
        .forEach((name, values) -> headers.put(name.toLowerCase(Locale.ROOT), values.get(0)));
    seen.add(new Seen(who, request, headers));
    try (exchange) {
      Optional<Rule> rule = rules.stream().filter(r -> request.contains(r.request())).findFirst();
      rule.filter(Rule::once).ifPresent(rules::remove);
      rule.map(Rule::answer).orElse(usual).give(exchange);
    }
  }

  private void answer(HttpExchange exchange) throws IOException {
    String path = exchange.getRequestURI().getPath();
    if (path.startsWith("/api/models/" + repo + "/revision/")) {
      send(exchange, listing().getBytes(StandardCharsets.UTF_8));
    } else if (path.startsWith("/" + repo + "/resolve/" + commit + "/")) {
      resolve(exchange, path.substring(("/" + repo + "/resolve/" + commit + "/").length()));
    } else {
      refuse(404, "RepoNotFound", "Repository not found").give(exchange);
    }
  }

  private String listing() {
    return files.keySet().stream()
        .map(name -> "{\"rfilename\":\"" + name.replace("\\", "\\\\") + "\"}")
        .collect(
            Collectors.joining(
                ",", "{\"id\":\"" + repo + "\",\"sha\":\"" + commit + "\",\"siblings\":[", "]}"));
  }

  private void resolve(HttpExchange exchange, String name) throws IOException {
    byte[] content = files.get(name);
    exchange.getResponseHeaders().set("X-Repo-Commit", commit);
    if (content == null) {
      refuse(404, "EntryNotFound", "Entry not found").give(exchange);
    } else if (large.contains(name)) {
      exchange.getResponseHeaders().set("X-Linked-Etag", '"' + etag(name) + '"');
      exchange.getResponseHeaders().set("X-Linked-Size", String.valueOf(content.length));
      redirect(storeAddress() + "/" + name + "?signature=secret").give(exchange);
    } else {
      exchange.getResponseHeaders().set("ETag", '"' + etag(name) + '"');
      send(exchange, content);
    }
  }

  private void fromStore(HttpExchange exchange) throws IOException {
    byte[] content = files.get(exchange.getRequestURI().getPath().substring(1));
    if (exchange.getRequestHeaders().containsKey("Authorization")) {
      exchange.sendResponseHeaders(400, -1); // as signed addresses do
    } else {
      send(exchange, content);
    }
  }

  private static void send(HttpExchange exchange, byte[] content) throws IOException {
    if (exchange.getRequestMethod().equals("HEAD")) {
      exchange.getResponseHeaders().set("Content-Length", String.valueOf(content.length));
      exchange.sendResponseHeaders(200, -1);
      return;
    }
    String range = exchange.getRequestHeaders().getFirst("Range");
    int from = range == null ? 0 : Integer.parseInt(range.replaceAll("\\D", ""));
    if (range != null) {
      exchange
          .getResponseHeaders()
          .set(
              "Content-Range",
              "bytes %d-%d/%d".formatted(from, content.length - 1, content.length));
    }
    int length = content.length - from;
    exchange.sendResponseHeaders(range == null ? 200 : 206, length == 0 ? -1 : length);
    if (length > 0) {
      exchange.getResponseBody().write(content, from, length);
    }
  }

  /** The hash that the hub gives for a file. */
  String etag(String name) {
    byte[] content = files.get(name);
    if (large.contains(name)) {
      return hash("SHA-256", content);
    }
    byte[] header = ("blob " + content.length + "\0").getBytes(StandardCharsets.UTF_8);
    byte[] all = Arrays.copyOf(header, header.length + content.length);
    System.arraycopy(content, 0, all, header.length, content.length);
    return hash("SHA-1", all);
  }

  private static String hash(String algorithm, byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance(algorithm).digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public void close() {
    hub.stop(0);
    store.stop(0);
    threads.shutdownNow();
  }
}
