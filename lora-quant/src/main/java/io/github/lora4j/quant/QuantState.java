package io.github.lora4j.quant;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.lora4j.error.CheckpointFormatException;
import io.github.lora4j.internal.quant.QuantType;
import io.github.lora4j.internal.quant.Quantized4Bit;
import io.github.lora4j.internal.text.PythonJson;
import io.github.lora4j.io.Checkpoint;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Tensor;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * What a checkpoint says of a 4-bit weight, in a tensor that holds JSON: bitsandbytes' {@code
 * QuantState} without its tensors.
 *
 * @param type the values of the codes
 * @param blocksize how many of them share a scale
 * @param dtype of the matrix that was coded
 * @param shape of that matrix
 * @param nested how the scales are coded, where they are
 */
record QuantState(
    QuantType type, int blocksize, DType dtype, long[] shape, Optional<NestedState> nested) {

  private static final String PREFIX = "quant_state.bitsandbytes__";
  private static final int MAX_BYTES = 1 << 16;
  private static final ObjectMapper JSON =
      JsonMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  /** How scales are coded: how many share a scale of their own, and what is added to them. */
  record NestedState(int blocksize, float offset) {}

  static QuantState of(Quantized4Bit coded) {
    return new QuantState(
        coded.type(),
        coded.blocksize(),
        coded.dtype(),
        coded.shape(),
        coded.nested().map(nested -> new NestedState(nested.blocksize(), nested.offset())));
  }

  /** The tensor's name behind the weight's. */
  static String keyOf(QuantType type) {
    return PREFIX + type.bnbName();
  }

  /** The bytes that bitsandbytes writes, which are Python's. */
  byte[] toJson() {
    String text =
        "{\"quant_type\": \"%s\", \"blocksize\": %d, \"dtype\": \"%s\", \"shape\": [%s]"
            .formatted(
                type.bnbName(),
                blocksize,
                dtype.torchName(),
                Arrays.stream(shape).mapToObj(Long::toString).collect(Collectors.joining(", ")));
    String scales =
        nested
            .map(
                n ->
                    ", \"nested_blocksize\": %d, \"nested_dtype\": \"float32\", \"nested_offset\": %s"
                        .formatted(n.blocksize, PythonJson.repr(n.offset)))
            .orElse("");
    return (text + scales + "}").getBytes(StandardCharsets.UTF_8);
  }

  /**
   * Reads the state of a weight.
   *
   * @param weightName what the checkpoint calls the weight
   * @return empty where there is none
   * @throws CheckpointFormatException if it is damaged, or there are two
   */
  static Optional<QuantState> find(Checkpoint checkpoint, String weightName) {
    Optional<QuantState> found = Optional.empty();
    for (QuantType type : QuantType.values()) {
      String name = weightName + "." + keyOf(type);
      if (checkpoint.names().contains(name)) {
        if (found.isPresent()) {
          throw new CheckpointFormatException(
              "%s: %s has two quant_state tensors, nf4's and fp4's; one tells how to read it"
                  .formatted(checkpoint.fileOf(name), weightName));
        }
        found = Optional.of(new Reader(checkpoint, name).read(type));
      }
    }
    return found;
  }

  /** Reads JSON that may mean harm. */
  private record Reader(Checkpoint checkpoint, String name) {

    QuantState read(QuantType type) {
      JsonNode json = parse();
      require(
          json.path("quant_type").asText().equals(type.bnbName()), "quant_type", type.bnbName());
      int blocksize =
          whole(json, "blocksize", b -> b >= 32 && b <= 4096 && Integer.bitCount(b) == 1);
      DType dtype =
          DType.byName(text(json, "dtype"))
              .filter(d -> d == DType.F32 || d == DType.BF16 || d == DType.F16)
              .orElseThrow(() -> wrong("dtype", "float32, bfloat16 or float16"));
      long[] shape = shape(json.path("shape"));
      return new QuantState(type, blocksize, dtype, shape, nested(json));
    }

    private Optional<NestedState> nested(JsonNode json) {
      if (!json.has("nested_blocksize")) {
        return Optional.empty();
      }
      require(text(json, "nested_dtype").equals("float32"), "nested_dtype", "float32");
      JsonNode offset = json.path("nested_offset");
      require(
          offset.isNumber() && Float.isFinite(offset.floatValue()),
          "nested_offset",
          "a finite number");
      return Optional.of(
          new NestedState(whole(json, "nested_blocksize", b -> b > 0), offset.floatValue()));
    }

    private long[] shape(JsonNode sizes) {
      boolean matrix = sizes.isArray() && sizes.size() == 2;
      require(
          matrix && isSize(sizes.get(0)) && isSize(sizes.get(1)), "shape", "two positive numbers");
      return new long[] {sizes.get(0).intValue(), sizes.get(1).intValue()};
    }

    private static boolean isSize(JsonNode size) {
      return size.isIntegralNumber() && size.canConvertToInt() && size.intValue() > 0;
    }

    private int whole(JsonNode json, String key, Predicate<Integer> fits) {
      JsonNode value = json.path(key);
      require(
          value.isIntegralNumber() && value.canConvertToInt() && fits.test(value.intValue()),
          key,
          key.equals("blocksize") ? "a power of two from 32 to 4096" : "a positive whole number");
      return value.intValue();
    }

    private String text(JsonNode json, String key) {
      require(json.path(key).isTextual(), key, "a string");
      return json.path(key).textValue();
    }

    private JsonNode parse() {
      long size = checkpoint.info(name).byteSize();
      if (size > MAX_BYTES || checkpoint.info(name).dtype() != DType.U8) {
        throw new CheckpointFormatException(
            "%s: %s: expected at most %d bytes of JSON, found %s of %d bytes"
                .formatted(
                    checkpoint.fileOf(name), name, MAX_BYTES, checkpoint.info(name).dtype(), size));
      }
      byte[] bytes = new byte[(int) size];
      try (Tensor tensor = checkpoint.tensor(name)) {
        tensor.copyBytesTo(0, bytes, bytes.length);
      }
      try {
        JsonNode json = JSON.readTree(bytes);
        if (json.isObject()) {
          return json;
        }
        throw new CheckpointFormatException(where() + " is no JSON object");
      } catch (JsonProcessingException e) {
        throw new CheckpointFormatException(
            where() + " is not valid JSON: " + e.getOriginalMessage(), e);
      } catch (IOException e) {
        throw new CheckpointFormatException(where() + " can't be read as JSON", e);
      }
    }

    private void require(boolean fits, String key, String expected) {
      if (!fits) {
        throw wrong(key, expected);
      }
    }

    private CheckpointFormatException wrong(String key, String expected) {
      return new CheckpointFormatException(where() + ": " + key + ": expected " + expected);
    }

    private String where() {
      return checkpoint.fileOf(name) + ": " + name;
    }
  }
}
