package io.github.lora4j.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.lora4j.data.Batch;
import io.github.lora4j.data.Dataset;
import io.github.lora4j.data.PaddingCollator;
import io.github.lora4j.data.TokenizedExample;
import io.github.lora4j.dataset.Datasets;
import io.github.lora4j.error.DatasetException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** From a file to what training consumes, as a user writes it. */
class CsvToBatchTest {

  private static final PromptTemplate TEMPLATE =
      PromptTemplate.of("### Question:\n{question}\n### Answer:\n").withSystem("Be short.");

  @TempDir Path temp;

  private static SftEncoder encoder(PretrainedTokenizer tokenizer) {
    return SftEncoder.of(tokenizer, TEMPLATE, "answer").maxLength(256);
  }

  @Test
  void splitsEncodesAndPads() throws IOException {
    StringBuilder csv = new StringBuilder("question,answer\n");
    for (int i = 0; i < 20; i++) {
      csv.append("\"What is\n")
          .append("very ".repeat(i))
          .append("long?\",it ")
          .append(i)
          .append('\n');
    }
    Path file = Files.writeString(temp.resolve("train.csv"), csv);
    try (var tokenizer = PretrainedTokenizer.load(Tokenizers.tiny("bytelevel"))) {
      Dataset.Split<TokenizedExample> data =
          Datasets.csv(file).map(encoder(tokenizer)).split(0.8, 42);
      assertThat(data.train()).hasToString("Dataset[train.csv (train): 16 rows]");
      assertThat(data.validation().size()).isEqualTo(4);
      Batch batch = PaddingCollator.of(tokenizer).collate(data.train().rows());
      assertThat(batch.size()).isEqualTo(16);
      assertThat(batch.supervisedTokens())
          .isEqualTo(data.train().stream().mapToInt(TokenizedExample::supervisedTokens).sum());
      int eos = tokenizer.eosTokenId().orElseThrow();
      assertThat(Arrays.stream(batch.labels()).filter(label -> label == eos)).hasSize(16);
    }
  }

  @Test
  void namesTheFirstBadRow() throws IOException {
    Path file = Files.writeString(temp.resolve("train.csv"), "question,answer\n\"a\nb\",c\nd,\n");
    try (var tokenizer = PretrainedTokenizer.load(Tokenizers.tiny("bytelevel"))) {
      assertThatThrownBy(() -> Datasets.csv(file).map(encoder(tokenizer)))
          .isInstanceOf(DatasetException.class)
          .hasMessageStartingWith(file + ", line 4, column \"answer\": expected the text to learn");
    }
  }
}
