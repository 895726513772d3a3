package io.github.lora4j.quant;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.lora4j.io.SafeTensors;
import io.github.lora4j.io.SafeTensorsWriter;
import io.github.lora4j.model.AutoModelForCausalLM;
import io.github.lora4j.model.CausalLM;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.zip.CRC32;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Small checkpoints that transformers and bitsandbytes saved, and the scores that they computed:
 * src/test/python/make_bitsandbytes_fixtures.py.
 */
class BitsAndBytesFilesTest {

  private static final double TOLERANCE = 1e-5;

  @TempDir Path dir;

  private final ObjectMapper json = new ObjectMapper();

  @ParameterizedTest
  @ValueSource(strings = {"llama-nf4", "gpt2-fp4", "llama-int8"})
  void theScoresAreThoseThatBitsandbytesComputed(String name) throws URISyntaxException {
    try (CausalLM model = AutoModelForCausalLM.fromPretrained(kept(name))) {
      assertScores(model, name);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"llama-nf4", "gpt2-fp4", "llama-int8"})
  void whatIsSavedHereIsWhatTransformersSaved(String name) throws IOException, URISyntaxException {
    try (CausalLM model = TinyModels.load(dense(name), config(name))) {
      assertScores(model, name);
      model.savePretrained(dir.resolve("saved"));
    }
    assertThat(Shared.tensors(dir.resolve("saved"))).isEqualTo(Shared.tensors(kept(name)));
    Shared.assertSameQuantization(dir.resolve("saved"), kept(name));
  }

  private static BitsAndBytesConfig config(String name) {
    return switch (name) {
      case "llama-nf4" -> TinyModels.nf4InFloat32();
      case "gpt2-fp4" -> BitsAndBytesConfig.builder().loadIn4Bit(true).build();
      default -> BitsAndBytesConfig.int8();
    };
  }

  private static void assertScores(CausalLM model, String name) throws URISyntaxException {
    try (SafeTensors expected = SafeTensors.open(kept(name).resolve("expected.safetensors"));
        TensorScope scope = TensorScope.open()) {
      Tensor ids = expected.tensor("input_ids");
      int[] flat = Arrays.stream(ids.toLongArray()).mapToInt(Math::toIntExact).toArray();
      int[] mask = new int[flat.length];
      Arrays.fill(mask, 1);
      float[] found = model.logits(flat, mask, Math.toIntExact(ids.size(0))).toFloatArray();
      assertThat(Shared.difference(found, expected.tensor("logits").toFloatArray()))
          .isLessThan(TOLERANCE);
    }
  }

  /** What was quantized: the same numbers as the script's. */
  private Path dense(String name) throws IOException, URISyntaxException {
    Path folder = Files.createDirectories(dir.resolve("dense"));
    ObjectNode config = (ObjectNode) json.readTree(kept(name).resolve("config.json").toFile());
    config.remove("quantization_config");
    json.writeValue(folder.resolve("config.json").toFile(), config);
    Map<String, long[]> shapes =
        json.readValue(
            kept(name).resolve("shapes.json").toFile(),
            new TypeReference<Map<String, long[]>>() {});
    try (TensorScope scope = TensorScope.open()) {
      Map<String, Tensor> tensors = new TreeMap<>();
      shapes.forEach((tensor, shape) -> tensors.put(tensor, weights(tensor, shape)));
      SafeTensorsWriter.write(folder.resolve("model.safetensors"), tensors, Map.of("format", "pt"));
    }
    return folder;
  }

  private static Tensor weights(String name, long[] shape) {
    CRC32 salt = new CRC32();
    salt.update(name.getBytes(StandardCharsets.UTF_8));
    int size = Math.toIntExact(Arrays.stream(shape).reduce(1, (a, b) -> a * b));
    float middle = shape.length == 1 && name.endsWith(".weight") ? 1 : 0;
    float[] values = new float[size];
    for (int i = 0; i < size; i++) {
      long x = (i * 2654435761L + salt.getValue() * 97654321L) & 0xFFFFFFFFL;
      x = ((x ^ (x >>> 15)) * 2246822519L) & 0xFFFFFFFFL;
      values[i] = (float) ((x >>> 8) / (double) (1 << 24) - 0.5) / 2 + middle;
    }
    return Tensor.of(values, shape).to(DType.BF16);
  }

  private static Path kept(String name) throws URISyntaxException {
    return Path.of(
        Objects.requireNonNull(BitsAndBytesFilesTest.class.getResource(name), name).toURI());
  }
}
