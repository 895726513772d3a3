package io.github.lora4j.examples.qlora;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Offset.offset;

import io.github.lora4j.data.Dataset;
import io.github.lora4j.dataset.Row;
import io.github.lora4j.examples.quickstart.Quickstart;
import io.github.lora4j.examples.quickstart.TinyPlaces;
import io.github.lora4j.model.AutoModelForCausalLM;
import io.github.lora4j.model.CausalLM;
import io.github.lora4j.nn.QuantizedLinear;
import io.github.lora4j.quant.BitsAndBytesConfig;
import io.github.lora4j.train.IntervalStrategy;
import io.github.lora4j.train.TrainingArguments;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class QloraTest {

  @TempDir private Path out;

  private static Dataset<Row> few(Dataset<Row> rows, int count) {
    return Dataset.of(rows.stream().limit(count).toList());
  }

  @Test
  void theTinyModelLearnsInFourBitsAndIsMergedIntoTheDenseOne() {
    Quickstart places = TinyPlaces.quickstart(out);
    TrainingArguments args =
        TrainingArguments.builder()
            .outputDir(out)
            .maxSteps(20)
            .optim("paged_adamw_8bit")
            .perDeviceTrainBatchSize(8)
            .perDeviceEvalBatchSize(20)
            .learningRate(3e-3)
            .saveStrategy(IntervalStrategy.NO)
            .disableTqdm(true)
            .build();
    List<String> said = new ArrayList<>();
    QloraReport report =
        new Qlora(
                places.model(),
                few(places.train(), 160),
                few(places.test(), 20),
                places.template(),
                places.completion(),
                places.maxLength(),
                BitsAndBytesConfig.nf4(),
                places.lora(),
                args)
            .run(said::add);

    assertThat(report.quantizedLayers()).isEqualTo(7 * 4);
    assertThat(report.training().globalStep()).isEqualTo(20);
    assertThat(report.after().loss()).isLessThan(0.9 * report.before().loss());
    assertThat(report.reloaded().loss()).isEqualTo(report.after().loss());
    assertThat(report.ofMerged().loss()).isEqualTo(report.after().loss(), offset(0.2));
    assertThat(said).hasSize(6).first().asString().contains("28 layers in NF4");
    try (CausalLM merged = AutoModelForCausalLM.fromPretrained(report.merged())) {
      assertThat(merged.linearLayers()).noneMatch(QuantizedLinear.class::isInstance);
    }
  }
}
