package io.github.lora4j.io.hub;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The environment variables of huggingface_hub, with its meanings and defaults. */
final class HubEnvironment {

  private static final String ENDPOINT = "https://huggingface.co";
  private static final Set<String> TRUE = Set.of("1", "ON", "YES", "TRUE");
  private static final Pattern VARIABLE = Pattern.compile("\\$(?:(\\w+)|\\{(\\w+)})");
  private static final Duration TIMEOUT = Duration.ofSeconds(10);

  private final Map<String, String> variables;
  private final Path userHome;

  HubEnvironment(Map<String, String> variables, Path userHome) {
    this.variables = Map.copyOf(variables);
    this.userHome = userHome;
  }

  static HubEnvironment ofThisProcess() {
    return new HubEnvironment(System.getenv(), Path.of(System.getProperty("user.home")));
  }

  URI endpoint() {
    return Endpoint.parse("HF_ENDPOINT", text("HF_ENDPOINT").orElse(ENDPOINT));
  }

  Path cacheDir() {
    return text("HF_HUB_CACHE")
        .or(() -> text("HUGGINGFACE_HUB_CACHE"))
        .map(this::path)
        .orElseGet(() -> home().resolve("hub"));
  }

  private Path home() {
    return text("HF_HOME")
        .map(this::path)
        .orElseGet(
            () ->
                text("XDG_CACHE_HOME")
                    .map(this::path)
                    .orElseGet(() -> userHome.resolve(".cache"))
                    .resolve("huggingface"));
  }

  boolean offline() {
    // As there: the second one counts only where the first is not set.
    return isTrue(text("HF_HUB_OFFLINE").or(() -> text("TRANSFORMERS_OFFLINE")));
  }

  boolean progressBars() {
    return !isTrue(text("HF_HUB_DISABLE_PROGRESS_BARS"));
  }

  /** The token that is found without being asked for; reads a file, so only where it is needed. */
  Optional<HubToken> token() {
    if (isTrue(text("HF_HUB_DISABLE_IMPLICIT_TOKEN"))) {
      return Optional.empty();
    }
    return tokenIn("HF_TOKEN").or(() -> tokenIn("HUGGING_FACE_HUB_TOKEN")).or(this::tokenInFile);
  }

  private Optional<HubToken> tokenIn(String variable) {
    return text(variable).flatMap(value -> HubToken.parse(value, "the variable " + variable));
  }

  private Optional<HubToken> tokenInFile() {
    Path file = text("HF_TOKEN_PATH").map(this::path).orElseGet(() -> home().resolve("token"));
    try {
      return HubToken.parse(Files.readString(file), "the file " + file);
    } catch (NoSuchFileException e) {
      return Optional.empty();
    } catch (IOException e) {
      throw new UncheckedIOException(
          "the access token in %s cannot be read: %s".formatted(file, e.getMessage()), e);
    }
  }

  Tuning tuning() {
    return Tuning.standard(
        seconds("HF_HUB_ETAG_TIMEOUT"),
        seconds("HF_HUB_DOWNLOAD_TIMEOUT"),
        !isTrue(text("HF_HUB_DISABLE_SYMLINKS")));
  }

  private Duration seconds(String variable) {
    String text = text(variable).orElse("0");
    if (!text.matches("\\d{1,6}")) {
      throw new IllegalArgumentException(
          variable + ": expected a whole number of seconds, found " + ServerText.quoted(text));
    }
    long seconds = Long.parseLong(text);
    return seconds == 0 ? TIMEOUT : Duration.ofSeconds(seconds);
  }

  private Optional<String> text(String variable) {
    return Optional.ofNullable(variables.get(variable)).filter(value -> !value.isBlank());
  }

  private static boolean isTrue(Optional<String> value) {
    return value.map(text -> text.toUpperCase(Locale.ROOT)).filter(TRUE::contains).isPresent();
  }

  /** A path in which "~" and variables are replaced, as Python's expanduser and expandvars do. */
  private Path path(String text) {
    Matcher names = VARIABLE.matcher(text);
    String expanded =
        names.replaceAll(
            found -> {
              String name = Optional.ofNullable(found.group(1)).orElseGet(() -> found.group(2));
              return Matcher.quoteReplacement(variables.getOrDefault(name, found.group()));
            });
    boolean atHome = expanded.startsWith("~/") || expanded.startsWith("~\\");
    Path path = atHome ? userHome.resolve(expanded.substring(2)) : Path.of(expanded);
    return path.toAbsolutePath().normalize();
  }
}
