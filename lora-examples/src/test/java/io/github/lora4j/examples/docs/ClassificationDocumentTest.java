package io.github.lora4j.examples.docs;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.lora4j.data.LabelMap;
import io.github.lora4j.model.AutoModelForSequenceClassification;
import io.github.lora4j.model.SequenceClassifier;
import io.github.lora4j.peft.PeftModel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ClassificationDocumentTest {

  @TempDir Path work;

  @Test
  void theDocumentsProgramTrainsAClassifier() throws Exception {
    Path model = Snippets.root().resolve("lora-examples/models/tiny-places");
    StringBuilder rows = new StringBuilder("text,label\n");
    for (int i = 0; i < 40; i++) {
      rows.append("%d places,%s\n".formatted(i, i < 20 ? "few" : "many"));
    }
    Path csv = Files.writeString(work.resolve("train.csv"), rows);
    List<String> blocks = Snippets.of(Snippets.root().resolve("docs/CLASSIFICATION.md"));
    assertThat(blocks).hasSize(1);
    String program =
        blocks
            .get(0)
            .replace("\"models/SmolLM-135M\"", literal(model))
            .replace("\"train.csv\"", literal(csv))
            .replace("\"out\"", literal(work.resolve("out")))
            .replace("\"out/adapter\"", literal(work.resolve("out/adapter")));

    Snippets.compile("Classify", program, work).call();

    LabelMap labels = LabelMap.of("few", "many");
    try (SequenceClassifier base =
            AutoModelForSequenceClassification.fromPretrained(model, labels);
        PeftModel<SequenceClassifier> peft =
            PeftModel.fromPretrained(base, work.resolve("out/adapter"))) {
      assertThat(peft.savedModuleNames()).containsExactly("score");
    }
  }

  private static String literal(Path path) {
    return '"' + path.toString().replace("\\", "\\\\") + '"';
  }
}
