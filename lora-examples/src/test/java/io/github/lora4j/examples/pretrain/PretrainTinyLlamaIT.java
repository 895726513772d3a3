package io.github.lora4j.examples.pretrain;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.lora4j.model.AutoModelForCausalLM;
import io.github.lora4j.model.CausalLM;
import io.github.lora4j.text.PretrainedTokenizer;
import io.github.lora4j.train.TrainingResult;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PretrainTinyLlamaIT {

  private static final Path COMMITTED = Path.of("models", "tiny-places");

  @TempDir Path dir;

  @Test
  void allParametersOfAFreshModelLearn() throws IOException {
    TrainingResult result = PretrainTinyLlama.run(dir, 60);
    // ln 700 = 6.55 is what knowing nothing costs.
    assertThat(result.trainingLoss()).isLessThan(5);
    try (PretrainedTokenizer tokenizer = PretrainedTokenizer.load(dir);
        CausalLM model = AutoModelForCausalLM.fromPretrained(dir);
        CausalLM committed = AutoModelForCausalLM.fromPretrained(COMMITTED)) {
      assertThat(model.spec()).isEqualTo(committed.spec());
      assertThat(tokenizer.decode(tokenizer.encode("Is Zürich 東京?", false), true))
          .isEqualTo("Is Zürich 東京?");
    }
    assertThat(Files.readString(dir.resolve("tokenizer.json")))
        .as("the tokenizer doesn't depend on the number of steps")
        .isEqualTo(Files.readString(COMMITTED.resolve("tokenizer.json")));
  }
}
