package io.github.lora4j.io.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The variables mean what they mean to huggingface_hub. */
class HubEnvironmentTest {

  @TempDir Path temporary;

  private static HubEnvironment with(String... namesAndValues) {
    Map<String, String> variables = new HashMap<>();
    for (int i = 0; i < namesAndValues.length; i += 2) {
      variables.put(namesAndValues[i], namesAndValues[i + 1]);
    }
    return HubTests.environment(variables);
  }

  /** On Windows, this gets a drive. */
  private static Path path(String text) {
    return Path.of(text).toAbsolutePath();
  }

  @Test
  void defaults() {
    HubOptions options = HubOptions.builder(with()).build();
    assertThat(options.revision()).isEqualTo("main");
    assertThat(options.endpoint()).hasToString("https://huggingface.co");
    assertThat(options.cacheDir()).isEqualTo(path("/home/user/.cache/huggingface/hub"));
    assertThat(options.offline()).isFalse();
    assertThat(options.token()).isEmpty();
    assertThat(options.tuning().stall()).isEqualTo(Duration.ofSeconds(10));
    assertThat(options.tuning().symlinks()).isTrue();
  }

  @Test
  void theCacheFolder() {
    assertThat(with("XDG_CACHE_HOME", "/x").cacheDir()).isEqualTo(path("/x/huggingface/hub"));
    assertThat(with("XDG_CACHE_HOME", "/x", "HF_HOME", "~/hf").cacheDir())
        .isEqualTo(path("/home/user/hf/hub"));
    assertThat(with("HF_HOME", "/h", "HF_HUB_CACHE", "/c").cacheDir()).isEqualTo(path("/c"));
    assertThat(with("HUGGINGFACE_HUB_CACHE", "/old").cacheDir()).isEqualTo(path("/old"));
    assertThat(with("HF_HOME", "$DISK/${NAME}/$NONE", "DISK", "/d", "NAME", "n").cacheDir())
        .isEqualTo(path("/d/n/$NONE/hub"));
    assertThat(with("HF_HOME", " ").cacheDir()).startsWithRaw(path("/home/user/.cache"));
  }

  @Test
  void theEndpointLosesItsSlash() {
    assertThat(with("HF_ENDPOINT", "http://mirror:8080/hf/").endpoint())
        .hasToString("http://mirror:8080/hf");
  }

  @ParameterizedTest
  @CsvSource({"1,true", "on,true", "Yes,true", "TRUE,true", "0,false", "off,false", "'',false"})
  void offline(String value, boolean offline) {
    assertThat(with("HF_HUB_OFFLINE", value).offline()).isEqualTo(offline);
    assertThat(with("TRANSFORMERS_OFFLINE", value).offline()).isEqualTo(offline);
  }

  @Test
  void theFirstOfflineVariableWins() {
    assertThat(with("HF_HUB_OFFLINE", "0", "TRANSFORMERS_OFFLINE", "1").offline()).isFalse();
  }

  @Test
  void theToken() throws IOException {
    Path file = Files.writeString(temporary.resolve("token"), "hf_file\n");
    String home = temporary.toString();
    assertThat(with("HF_HOME", home).token()).map(HubToken::value).contains("hf_file");
    assertThat(with("HF_TOKEN_PATH", file.toString()).token())
        .map(HubToken::value)
        .contains("hf_file");
    assertThat(with("HF_HOME", home, "HUGGING_FACE_HUB_TOKEN", "hf_old").token())
        .map(HubToken::value)
        .contains("hf_old");
    assertThat(with("HF_TOKEN", " hf_new ", "HUGGING_FACE_HUB_TOKEN", "hf_old").token())
        .contains(new HubToken("hf_new", "the variable HF_TOKEN"));
    assertThat(with("HF_TOKEN", "hf_new", "HF_HUB_DISABLE_IMPLICIT_TOKEN", "1").token()).isEmpty();
  }

  @Test
  void whatIsSetInCodeComesFirst() {
    HubOptions options =
        HubOptions.builder(with("HF_TOKEN", "hf_a", "HF_ENDPOINT", "bad", "HF_HUB_OFFLINE", "1"))
            .token("hf_b")
            .endpoint("https://hub.example")
            .offline(false)
            .build();
    assertThat(options.token()).map(HubToken::value).contains("hf_b");
    assertThat(options.endpoint()).hasToString("https://hub.example");
    assertThat(options.offline()).isFalse();
    assertThat(HubOptions.builder(with("HF_TOKEN", "hf_a")).anonymous().build().token()).isEmpty();
  }

  @Test
  void patience() {
    Tuning tuning =
        with(
                "HF_HUB_DOWNLOAD_TIMEOUT",
                "30",
                "HF_HUB_ETAG_TIMEOUT",
                "0",
                "HF_HUB_DISABLE_SYMLINKS",
                "1")
            .tuning();
    assertThat(tuning.stall()).isEqualTo(Duration.ofSeconds(30));
    assertThat(tuning.answer()).isEqualTo(Duration.ofSeconds(10));
    assertThat(tuning.symlinks()).isFalse();
    assertThatThrownBy(() -> with("HF_HUB_DOWNLOAD_TIMEOUT", "soon").tuning())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("HF_HUB_DOWNLOAD_TIMEOUT: expected a whole number of seconds, found 'soon'");
  }
}
