package io.github.lora4j.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.lora4j.generate.GenerationConfig;
import io.github.lora4j.generate.GenerationResult;
import io.github.lora4j.generate.TextGenerator;
import io.github.lora4j.model.AutoModelForCausalLM;
import io.github.lora4j.model.CausalLM;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;

/**
 * A real pretrained model tells the story that transformers tells: src/test/python/make_story.py.
 */
class StoriesIT {

  private static Path model() {
    Path folder = Path.of(System.getProperty("lora4j.shared", ""), "data", "stories260k");
    assumeTrue(
        Files.isDirectory(folder),
        "the pretrained model of the development data is not here: " + folder);
    return folder;
  }

  private static JsonNode expected() throws IOException {
    try (InputStream in = StoriesIT.class.getResourceAsStream("/stories/greedy.json")) {
      return new ObjectMapper().readTree(in);
    }
  }

  @Test
  void tellsItsStoryTokenForToken() throws IOException {
    Path folder = model();
    JsonNode story = expected();
    List<Integer> newIds =
        StreamSupport.stream(story.get("newIds").spliterator(), false)
            .map(JsonNode::intValue)
            .toList();
    StringBuilder streamed = new StringBuilder();
    try (PretrainedTokenizer tokenizer = PretrainedTokenizer.load(folder);
        CausalLM causal = AutoModelForCausalLM.fromPretrained(folder)) {
      GenerationResult told =
          TextGenerator.of(causal, tokenizer)
              .generate(
                  story.get("prompt").textValue(),
                  GenerationConfig.builder().maxNewTokens(newIds.size()).build(),
                  streamed::append);
      assertThat(IntStream.of(told.tokenIds()).boxed().toList()).isEqualTo(newIds);
      assertThat(story.get("prompt").textValue() + told.text())
          .isEqualTo(story.get("text").textValue());
      assertThat(streamed).hasToString(told.text());
    }
  }

  @Test
  void aSeedRepeatsASampledStoryInAnyBatch() {
    Path folder = model();
    try (PretrainedTokenizer tokenizer = PretrainedTokenizer.load(folder);
        CausalLM causal = AutoModelForCausalLM.fromPretrained(folder)) {
      TextGenerator generator = TextGenerator.of(causal, tokenizer);
      GenerationConfig config =
          GenerationConfig.builder()
              .maxNewTokens(60)
              .doSample(true)
              .temperature(0.9)
              .topP(0.95)
              .seed(11)
              .build();
      String alone = generator.generate("Lily had a big red ball", config);
      List<String> batch = generator.generate(List.of("Tom", "Lily had a big red ball"), config);
      assertThat(batch.get(1)).isEqualTo(alone);
      assertThat(generator.generate("Lily had a big red ball", config)).isEqualTo(alone);
      assertThat(generator.generate("Lily had a big red ball", config.toBuilder().seed(12).build()))
          .isNotEqualTo(alone);
    }
  }
}
