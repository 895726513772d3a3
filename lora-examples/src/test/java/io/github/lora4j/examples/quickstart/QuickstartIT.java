package io.github.lora4j.examples.quickstart;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.github.lora4j.dataset.Datasets;
import io.github.lora4j.error.DatasetException;
import io.github.lora4j.io.SafeTensors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class QuickstartIT {

  @TempDir Path dir;

  @Test
  void theAdapterTeachesTheTinyModelItsTask() throws IOException {
    Quickstart quickstart = TinyPlaces.quickstart(dir);
    byte[] weights = Files.readAllBytes(quickstart.model().resolve("model.safetensors"));
    List<String> said = new ArrayList<>();
    QuickstartReport report = quickstart.run(said::add);

    assertThat(report.before().exactMatch()).isLessThan(0.1);
    assertThat(report.after().exactMatch()).isGreaterThan(0.9);
    assertThat(report.reloaded()).isEqualTo(report.after());
    assertThat(Files.readAllBytes(quickstart.model().resolve("model.safetensors")))
        .isEqualTo(weights);
    try (SafeTensors adapter =
        SafeTensors.open(report.adapter().resolve("adapter_model.safetensors"))) {
      assertThat(adapter.names()).hasSize(2 * 7 * 4);
    }
    assertThat(ImageIO.read(report.chart().toFile()).getWidth()).isGreaterThan(500);
    assertThat(String.join("\n", said))
        .contains("trainable params: ")
        .contains("unchanged, bit for bit");
  }

  @Test
  void rowsToMeasureOnMustNotBeTrainedOn() throws IOException {
    Quickstart quickstart = TinyPlaces.quickstart(dir);
    Path leaked = dir.resolve("leaked.csv");
    List<String> lines = Files.readAllLines(dir.resolve("places-train.csv"));
    Files.write(leaked, lines.subList(0, 3));
    assertThatExceptionOfType(DatasetException.class)
        .isThrownBy(
            () ->
                new Quickstart(
                    quickstart.model(),
                    quickstart.train(),
                    Datasets.csv(leaked),
                    quickstart.template(),
                    quickstart.completion(),
                    quickstart.maxLength(),
                    quickstart.lora(),
                    quickstart.args(),
                    quickstart.loading()))
        .withMessageContaining("leaked.csv, line 2");
  }
}
