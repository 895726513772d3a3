package io.github.lora4j.quant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.lora4j.io.Checkpoint;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;

/** What several tests look at: the development data, and the bytes of checkpoints. */
final class Shared {

  private Shared() {}

  /** A folder that transformers and bitsandbytes wrote; skips the test where it isn't there. */
  static Path checkpoint(String name) {
    Path path =
        Path.of(System.getProperty("lora4j.shared", "nowhere"))
            .resolve("fixtures/bnb-checkpoints")
            .resolve(name);
    assumeTrue(
        Files.exists(path),
        path + " is part of the development data: -Dlora4j.shared=DIR says where it is");
    return path;
  }

  /** Each tensor's dtype, shape and bytes, by name. */
  static Map<String, String> tensors(Path folder) {
    Map<String, String> all = new TreeMap<>();
    try (Checkpoint checkpoint = Checkpoint.open(folder);
        TensorScope scope = TensorScope.open()) {
      for (String name : checkpoint.names()) {
        Tensor tensor = checkpoint.tensor(name);
        byte[] bytes = new byte[Math.toIntExact(tensor.numel() * tensor.dtype().byteSize())];
        tensor.copyBytesTo(0, bytes, bytes.length);
        all.put(
            name,
            checkpoint.info(name).dtypeName()
                + checkpoint.info(name).shape()
                + java.util.Arrays.hashCode(bytes));
      }
    }
    return all;
  }

  /** Every value that the first configuration must have, since the second has it. */
  static void assertSameQuantization(Path mine, Path theirs) throws IOException {
    JsonNode found = quantization(mine);
    for (Map.Entry<String, JsonNode> field : quantization(theirs).properties()) {
      // A key without a value is as good as none.
      if (!field.getValue().isNull()) {
        assertThat(found.get(field.getKey())).as(field.getKey()).isEqualTo(field.getValue());
      }
    }
  }

  private static JsonNode quantization(Path folder) throws IOException {
    return new ObjectMapper()
        .readTree(folder.resolve("config.json").toFile())
        .get("quantization_config");
  }

  /** The largest difference, relative to the largest expected number. */
  static double difference(float[] actual, float[] expected) {
    if (actual.length != expected.length) {
      throw new AssertionError("expected " + expected.length + " numbers, found " + actual.length);
    }
    double largest = 0;
    double difference = 0;
    for (int i = 0; i < expected.length; i++) {
      largest = Math.max(largest, Math.abs(expected[i]));
      difference = Math.max(difference, Math.abs((double) actual[i] - expected[i]));
    }
    return Double.isNaN(difference) ? Double.POSITIVE_INFINITY : difference / largest;
  }
}
