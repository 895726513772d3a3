package io.github.lora4j.examples.docs;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.lora4j.model.AutoModelForCausalLM;
import io.github.lora4j.model.CausalLM;
import io.github.lora4j.peft.PeftModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DocumentedCodeTest {

  @TempDir Path work;

  @Test
  void theGuideCompiles() throws IOException {
    List<String> blocks = Snippets.of(Snippets.root().resolve("docs/GUIDE.md"));
    assertThat(blocks).hasSizeGreaterThan(5);
    for (int i = 0; i < blocks.size(); i++) {
      assertThat(Snippets.compile("Guide" + i, blocks.get(i), work)).isNotNull();
    }
  }

  @Test
  void theReadmesProgramTrainsAnAdapter() throws Exception {
    Path model = Snippets.root().resolve("lora-examples/models/tiny-places");
    StringBuilder rows = new StringBuilder("question,answer\n");
    for (int i = 0; i < 40; i++) {
      rows.append("Is %d even?,%s\n".formatted(i, i % 2 == 0 ? "Yes." : "No."));
    }
    Path csv = Files.writeString(work.resolve("train.csv"), rows);
    List<String> blocks = Snippets.of(Snippets.root().resolve("README.md"));
    assertThat(blocks).hasSize(1);

    String program =
        replaced(
            replaced(replaced(blocks.get(0), "models/SmolLM-135M", model), "train.csv", csv),
            "out",
            work.resolve("out"));
    Snippets.compile("Readme", program, work).call();

    try (CausalLM base = AutoModelForCausalLM.fromPretrained(model);
        PeftModel<CausalLM> peft = PeftModel.fromPretrained(base, work.resolve("out/adapter"))) {
      assertThat(peft.config().r()).isEqualTo(8);
      assertThat(peft.targetedModuleNames()).isNotEmpty();
    }
  }

  /** The program with another path in the place of this one, or at its beginning. */
  private static String replaced(String program, String path, Path by) {
    String literal = by.toString().replace("\\", "\\\\");
    assertThat(program).contains("Path.of(\"" + path);
    return program.replaceAll(
        "Path\\.of\\(\"" + path + "(?=[\"/])", Matcher.quoteReplacement("Path.of(\"" + literal));
  }
}
