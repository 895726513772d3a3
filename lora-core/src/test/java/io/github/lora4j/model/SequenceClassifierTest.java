package io.github.lora4j.model;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.lora4j.data.Batch;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import io.github.lora4j.testing.Fixtures;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

class SequenceClassifierTest {

  private static final Path FOLDER = Fixtures.path("/llama/llama/seqcls");

  private static Tensor scores(SequenceClassifier model, int... ids) {
    int[] mask = new int[ids.length];
    Arrays.fill(mask, 1);
    int[] labels = new int[ids.length];
    Arrays.fill(labels, -100);
    return model.logits(new Batch(1, ids.length, ids, mask, labels));
  }

  @Test
  void padTokensInsideTheMaskAreNotScored() {
    // Models whose end-of-text token is their pad token end every text with it; transformers scores
    // the token before.
    try (SequenceClassifier model =
            AutoModelForSequenceClassification.fromPretrained(FOLDER, LoadOptions.defaults());
        TensorScope scope = TensorScope.open()) {
      Tensor plain = scores(model, 1, 5, 9);
      assertThat(Fixtures.relativeDifference(scores(model, 1, 5, 9, 0, 0), plain)).isLessThan(1e-5);
      assertThat(Fixtures.relativeDifference(scores(model, 1, 0, 9), plain)).isGreaterThan(1e-3);
      assertThat(scores(model, 0, 0).isFinite().all()).isTrue();
    }
  }
}
