package io.github.lora4j.io.hub;

import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/** Addresses on the hub, and who is the hub. */
final class Endpoint {

  private static final String UNRESERVED =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

  private Endpoint() {}

  /** The address of a hub, without a slash at its end. */
  static URI parse(String setting, String text) {
    try {
      URI uri = new URI(text.strip().replaceFirst("/+$", ""));
      if (isWeb(uri)
          && uri.getUserInfo() == null
          && uri.getQuery() == null
          && uri.getFragment() == null) {
        return uri;
      }
    } catch (URISyntaxException e) {
      // Said below; the text may hold a password, so it is not repeated.
    }
    throw new IllegalArgumentException(
        setting
            + ": expected the address of a hub such as https://huggingface.co, found another text");
  }

  static boolean isWeb(URI uri) {
    String scheme = scheme(uri);
    return (scheme.equals("https") || scheme.equals("http")) && uri.getHost() != null;
  }

  static String scheme(URI uri) {
    return uri.getScheme() == null ? "" : uri.getScheme().toLowerCase(Locale.ROOT);
  }

  /** Whether nobody on the way reads along. */
  static boolean isPrivate(URI uri) {
    return scheme(uri).equals("https")
        || uri.getHost().equals("localhost")
        || uri.getHost().equals("[::1]")
        || uri.getHost().startsWith("127.");
  }

  /** Whether two addresses belong to the same server: scheme, host and port. */
  static boolean sameOrigin(URI one, URI other) {
    return scheme(one).equals(scheme(other))
        && one.getHost().equalsIgnoreCase(other.getHost())
        && port(one) == port(other);
  }

  private static int port(URI uri) {
    return uri.getPort() >= 0 ? uri.getPort() : scheme(uri).equals("https") ? 443 : 80;
  }

  /** The listing of a revision. */
  static URI listing(URI endpoint, RepoId repo, String revision) {
    return URI.create(
        "%s/api/models/%s/revision/%s".formatted(endpoint, repo, encoded(revision, "")));
  }

  /** The names of all branches and tags. */
  static URI refs(URI endpoint, RepoId repo) {
    return URI.create("%s/api/models/%s/refs".formatted(endpoint, repo));
  }

  /** A file at a commit. */
  static URI file(URI endpoint, RepoId repo, String commit, String file) {
    return URI.create("%s/%s/resolve/%s/%s".formatted(endpoint, repo, commit, encoded(file, "/")));
  }

  private static String encoded(String text, String safe) {
    StringBuilder out = new StringBuilder();
    for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
      char c = (char) (b & 0xFF);
      if (UNRESERVED.indexOf(c) >= 0 || safe.indexOf(c) >= 0) {
        out.append(c);
      } else {
        out.append("%%%02X".formatted((int) c));
      }
    }
    return out.toString();
  }
}
