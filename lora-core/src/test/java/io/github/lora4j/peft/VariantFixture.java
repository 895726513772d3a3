package io.github.lora4j.peft;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.lora4j.io.SafeTensors;
import io.github.lora4j.tensor.Tensor;
import java.nio.file.Path;

/** What make_variant_fixtures.py saw PEFT compute, and how near we must come. */
final class VariantFixture implements AutoCloseable {

  static final double NEAR = 1e-5;

  private final SafeTensors file;

  VariantFixture(String name) {
    file = SafeTensors.open(Path.of("src/test/resources/peft/variants", name + ".safetensors"));
  }

  Tensor get(String name) {
    return file.tensor(name);
  }

  boolean has(String name) {
    return file.names().contains(name);
  }

  /** The largest difference in units of the largest number expected. */
  static double distance(Tensor found, Tensor expected) {
    assertThat(found.shape()).isEqualTo(expected.shape());
    double size = expected.abs().max().item();
    return found.add(expected, -1).abs().max().item() / (size == 0 ? 1 : size);
  }

  static void assertNear(Tensor found, Tensor expected) {
    assertThat(distance(found, expected)).isLessThan(NEAR);
  }

  @Override
  public void close() {
    file.close();
  }
}
