package io.github.lora4j.testing;

import io.github.lora4j.data.Batch;
import io.github.lora4j.data.TokenizedExample;
import io.github.lora4j.io.SafeTensors;
import io.github.lora4j.tensor.Tensor;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Objects;

/** Finds fixtures and compares with what they expect. */
public final class Fixtures {

  /** How far a whole float32 model's logits may be from the reference, relative to the largest. */
  public static final double MODEL_TOLERANCE = 1e-4;

  private Fixtures() {}

  /** A file or folder among the test resources. */
  public static Path path(String resource) {
    URL url = Objects.requireNonNull(Fixtures.class.getResource(resource), resource);
    try {
      return Path.of(url.toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  /**
   * The batch under {@code input_ids<suffix>}, {@code attention_mask<suffix>} and, if there, {@code
   * labels<suffix>}.
   */
  public static Batch batch(SafeTensors file, String suffix) {
    int[] ids = ints(file, "input_ids" + suffix);
    int[] mask = ints(file, "attention_mask" + suffix);
    int[] labels = new int[ids.length];
    Arrays.fill(labels, TokenizedExample.IGNORE_INDEX);
    if (file.names().contains("labels" + suffix)) {
      labels = ints(file, "labels" + suffix);
    }
    int rows = Math.toIntExact(file.info("input_ids" + suffix).shape().get(0));
    return new Batch(rows, ids.length / rows, ids, mask, labels);
  }

  /** A tensor of integers. */
  public static int[] ints(SafeTensors file, String name) {
    try (Tensor tensor = file.tensor(name)) {
      return Arrays.stream(tensor.toLongArray()).mapToInt(Math::toIntExact).toArray();
    }
  }

  /** The largest difference, relative to the largest expected number. */
  public static double relativeDifference(Tensor actual, Tensor expected) {
    return relativeDifference(actual.toFloatArray(), expected.toFloatArray());
  }

  /** The largest difference, relative to the largest expected number. */
  public static double relativeDifference(float[] actual, float[] expected) {
    if (actual.length != expected.length) {
      throw new AssertionError("expected " + expected.length + " numbers, found " + actual.length);
    }
    double largest = 0;
    double difference = 0;
    for (int i = 0; i < expected.length; i++) {
      largest = Math.max(largest, Math.abs(expected[i]));
      difference = Math.max(difference, Math.abs((double) actual[i] - expected[i]));
    }
    if (difference == 0) {
      return 0; // also where all are zero
    }
    return Double.isNaN(difference) ? Double.POSITIVE_INFINITY : difference / largest;
  }
}
