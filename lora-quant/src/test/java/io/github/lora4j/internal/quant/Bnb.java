package io.github.lora4j.internal.quant;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.lora4j.io.SafeTensors;
import io.github.lora4j.tensor.Tensor;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What bitsandbytes made of a matrix: its tensors, read as a checkpoint's are. */
final class Bnb implements AutoCloseable {

  private final SafeTensors file;

  private Bnb(Path path) {
    this.file = SafeTensors.open(path);
  }

  static Bnb open(Path path) {
    return new Bnb(path);
  }

  /** A case that is kept with the tests. */
  static Bnb kept(String name) {
    URL url = Objects.requireNonNull(Bnb.class.getResource("/bnb/" + name), name);
    try {
      return new Bnb(Path.of(url.toURI()));
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  /** A folder of the development data; skips the test where it isn't there. */
  static Path shared(String name) {
    Path path = Path.of(System.getProperty("lora4j.shared", "nowhere")).resolve(name);
    assumeTrue(
        Files.exists(path),
        path + " is part of the development data: -Dlora4j.shared=DIR says where it is");
    return path;
  }

  Tensor tensor(String name) {
    return file.tensor(name);
  }

  QuantType type() {
    return file.names().contains("weight.quant_state.bitsandbytes__nf4")
        ? QuantType.NF4
        : QuantType.FP4;
  }

  boolean isDouble() {
    return file.names().contains("weight.nested_absmax");
  }

  int blocksize() {
    return Integer.parseInt(state("blocksize"));
  }

  float offset() {
    return Float.parseFloat(state("nested_offset"));
  }

  private String state(String key) {
    Tensor state = tensor("weight.quant_state.bitsandbytes__" + type().bnbName());
    byte[] bytes = new byte[(int) state.numel()];
    state.copyBytesTo(0, bytes, bytes.length);
    Matcher value =
        Pattern.compile('"' + key + "\": ([-0-9.e]+)")
            .matcher(new String(bytes, StandardCharsets.UTF_8));
    if (!value.find()) {
      throw new IllegalStateException(key + " is missing in " + file);
    }
    return value.group(1);
  }

  /** The weight as the file stores it. */
  Quantized4Bit weight() {
    Tensor input = tensor("input");
    return Quantized4Bit.of(
        tensor("weight"),
        input.shape(),
        input.dtype(),
        type(),
        blocksize(),
        tensor("weight.absmax"),
        isDouble()
            ? Optional.of(
                new Quantized4Bit.Nested(
                    tensor("weight.nested_absmax"),
                    tensor("weight.nested_quant_map"),
                    offset(),
                    256))
            : Optional.empty());
  }

  @Override
  public void close() {
    file.close();
  }
}
