package io.github.lora4j.internal.quant;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.lora4j.io.SafeTensors;
import io.github.lora4j.tensor.TensorScope;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class Int8ParityTest {

  private static final String SCB = ".SCB";

  @Test
  void rowsAreCodedAsBitsAndBytesDoes() {
    Path folder = Bnb.shared("fixtures/bnb-checkpoints");
    int compared = 0;
    try (SafeTensors plain = open(folder, "llama-bf16");
        SafeTensors coded = open(folder, "llama-int8")) {
      for (String name : coded.names()) {
        if (!name.endsWith(SCB)) {
          continue;
        }
        String weight = name.substring(0, name.length() - SCB.length()) + ".weight";
        try (TensorScope scope = TensorScope.open();
            Int8Rows rows = Int8Rows.quantize(plain.tensor(weight))) {
          assertThat(rows.codes().equal(coded.tensor(weight))).as(weight).isTrue();
          assertThat(rows.scb().equal(coded.tensor(name))).as(name).isTrue();
        }
        compared++;
      }
    }
    assertThat(compared).isEqualTo(21);
  }

  private static SafeTensors open(Path folder, String model) {
    return SafeTensors.open(folder.resolve(model).resolve("model.safetensors"));
  }
}
