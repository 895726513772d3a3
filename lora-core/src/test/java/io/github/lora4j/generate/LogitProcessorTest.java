package io.github.lora4j.generate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Compares with what transformers made of the same logits (make_logit_processing.py). */
class LogitProcessorTest {

  private static final JsonNode FIXTURE = fixture();

  static Stream<Arguments> cases() {
    return elements(FIXTURE.get("cases"))
        .map(c -> Arguments.of(c.get("row").textValue(), c.get("config"), c.get("scores")));
  }

  @ParameterizedTest(name = "{0} {1}")
  @MethodSource("cases")
  void makesOfLogitsWhatTransformersMakes(String rowName, JsonNode settings, JsonNode expected) {
    JsonNode row = FIXTURE.get("rows").get(rowName);
    float[] scores = floats(row.get("logits"));
    SeenTokens seen = new SeenTokens(ints(row.get("prompt")));
    int[] newTokens = ints(row.get("new"));
    IntStream.of(newTokens).forEach(seen::add);

    new LogitProcessor(config(settings), ints(FIXTURE.get("eos")))
        .process(scores, seen, newTokens.length);

    if (rowName.equals("ties") && settings.has("top_p")) {
      // torch sorts unstably, so which of several equal scores top-p keeps there is chance.
      assertThat(scores).containsExactlyInAnyOrder(floats(expected));
    } else {
      assertThat(scores).containsExactly(floats(expected));
    }
  }

  static Stream<Arguments> largeCases() {
    return elements(FIXTURE.get("large")).map(c -> Arguments.of(c.get("config"), c));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("largeCases")
  void keepsTheSameTokensOfALargeVocabulary(JsonNode settings, JsonNode expected) {
    float[] scores = largeRow();

    new LogitProcessor(config(settings), new int[0])
        .process(scores, new SeenTokens(new int[] {1}), 0);

    int kept = 0;
    long idSum = 0;
    double scoreSum = 0;
    for (int i = 0; i < scores.length; i++) {
      if (scores[i] != Float.NEGATIVE_INFINITY) {
        kept++;
        idSum += i;
        scoreSum += scores[i];
      }
    }
    assertThat(kept).isEqualTo(expected.get("kept").intValue());
    assertThat(idSum).isEqualTo(expected.get("id_sum").longValue());
    assertThat(scoreSum).isCloseTo(expected.get("score_sum").doubleValue(), within(1e-6));
  }

  @Test
  void topPKeepsTheFewestTokensThatReachP() {
    float[] scores = logarithms(0.1, 0.4, 0.2, 0.3);
    UnlikelyTokens.topP(scores, 0.65);
    assertThat(kept(scores)).containsExactly(1, 3);
  }

  @Test
  void topPDropsLowerIdsFirstAmongEqualScores() {
    float[] scores = logarithms(0.25, 0.25, 0.25, 0.25);
    UnlikelyTokens.topP(scores, 0.4);
    assertThat(kept(scores)).containsExactly(2, 3);
  }

  @Test
  void topKKeepsTiesWithTheLastAndLetsEverythingThroughWhenThereAreFewerTokens() {
    float[] scores = {3, 1, 2, 2, 2};
    UnlikelyTokens.topK(scores, 2);
    assertThat(kept(scores)).containsExactly(0, 2, 3, 4);
    UnlikelyTokens.topK(scores, 5);
    assertThat(kept(scores)).containsExactly(0, 2, 3, 4);
  }

  @Test
  void topKAgreesWithSortingForEveryK() {
    Random random = new Random(4);
    float[] logits = new float[40];
    for (int i = 0; i < logits.length; i++) {
      logits[i] = random.nextInt(25);
    }
    for (int k = 1; k <= logits.length; k++) {
      float[] sorted = logits.clone();
      Arrays.sort(sorted);
      float threshold = sorted[sorted.length - k];
      float[] scores = logits.clone();
      UnlikelyTokens.topK(scores, k);
      assertThat(kept(scores))
          .as("k = %d", k)
          .containsExactly(
              IntStream.range(0, 40)
                  .filter(i -> logits[i] >= threshold)
                  .boxed()
                  .toArray(Integer[]::new));
    }
  }

  private static List<Integer> kept(float[] scores) {
    List<Integer> ids = new ArrayList<>();
    for (int i = 0; i < scores.length; i++) {
      if (scores[i] != Float.NEGATIVE_INFINITY) {
        ids.add(i);
      }
    }
    return ids;
  }

  private static float[] logarithms(double... probabilities) {
    float[] scores = new float[probabilities.length];
    for (int i = 0; i < scores.length; i++) {
      scores[i] = (float) Math.log(probabilities[i]);
    }
    return scores;
  }

  private static GenerationConfig config(JsonNode settings) {
    GenerationConfig.Builder builder = GenerationConfig.builder();
    settings
        .properties()
        .forEach(
            entry -> {
              JsonNode value = entry.getValue();
              switch (entry.getKey()) {
                case "do_sample" -> builder.doSample(value.booleanValue());
                case "temperature" -> builder.temperature(value.doubleValue());
                case "top_k" -> builder.topK(value.intValue());
                case "top_p" -> builder.topP(value.doubleValue());
                case "min_p" -> builder.minP(value.doubleValue());
                case "repetition_penalty" -> builder.repetitionPenalty(value.doubleValue());
                case "min_new_tokens" -> builder.minNewTokens(value.intValue());
                default -> throw new IllegalStateException("unknown setting " + entry.getKey());
              }
            });
    return settings.has("do_sample") ? builder.build() : builder.doSample(true).build();
  }

  private static float[] largeRow() {
    float[] row = new float[150_000];
    long state = 12345;
    for (int i = 0; i < row.length; i++) {
      state = (state * 1103515245L + 12345L) & 0x7fffffffL;
      double uniform = (state >> 7) / 8388608.0 - 1;
      row[i] = (float) (uniform * uniform * uniform * 12);
    }
    return row;
  }

  private static Stream<JsonNode> elements(JsonNode array) {
    return IntStream.range(0, array.size()).mapToObj(array::get);
  }

  private static int[] ints(JsonNode array) {
    return elements(array).mapToInt(JsonNode::intValue).toArray();
  }

  /** Null stands for negative infinity, which JSON lacks. */
  private static float[] floats(JsonNode array) {
    float[] values = new float[array.size()];
    for (int i = 0; i < values.length; i++) {
      JsonNode node = array.get(i);
      values[i] = node.isNull() ? Float.NEGATIVE_INFINITY : node.floatValue();
    }
    return values;
  }

  private static JsonNode fixture() {
    try (InputStream in =
        Objects.requireNonNull(
            LogitProcessorTest.class.getResourceAsStream("logit-processing.json"))) {
      return new ObjectMapper().readTree(in);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
