package io.github.lora4j.quant;

import io.github.lora4j.error.UnsupportedModelException;
import io.github.lora4j.io.SafeTensors;
import io.github.lora4j.io.SafeTensorsWriter;
import io.github.lora4j.model.AutoModelForCausalLM;
import io.github.lora4j.model.CausalLM;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Our side of src/test/python/check_bitsandbytes.py, which starts it: computes scores with what
 * bitsandbytes saved, and quantizes and saves the same bases.
 *
 * <p>Beside the files of a case stand afterwards {@code ours.safetensors} with the scores and, for
 * each kind of quantization, a folder {@code ours-<kind>}; nothing where a model is refused.
 */
@Tag("oracle")
@EnabledIfSystemProperty(named = BitsAndBytesParityRun.CASES, matches = ".+")
class BitsAndBytesParityRun {

  static final String CASES = "lora4j.parity.cases";

  private static final Logger LOG = LoggerFactory.getLogger(BitsAndBytesParityRun.class);

  private static final Map<String, BitsAndBytesConfig> KINDS =
      Map.of(
          "nf4", TinyModels.nf4InFloat32(),
          "fp4", BitsAndBytesConfig.builder().loadIn4Bit(true).build(),
          "int8", BitsAndBytesConfig.int8());

  @Test
  void computesAllCases() throws IOException {
    List<Path> cases;
    try (Stream<Path> folders = Files.list(Path.of(System.getProperty(CASES)))) {
      cases = folders.sorted().toList();
    }
    for (Path folder : cases) {
      try (TensorScope scope = TensorScope.open();
          SafeTensors expected = SafeTensors.open(folder.resolve("expected.safetensors"))) {
        compute(folder, expected.tensor("input_ids"));
      } catch (UnsupportedModelException e) {
        LOG.info("{} is left out: {}", folder.getFileName(), e.getMessage());
      }
    }
  }

  private static void compute(Path folder, Tensor ids) {
    Map<String, Tensor> scores = new TreeMap<>();
    KINDS.forEach(
        (kind, config) -> {
          try (CausalLM model = AutoModelForCausalLM.fromPretrained(folder.resolve(kind))) {
            scores.put("loaded." + kind, scores(model, ids));
          }
          try (CausalLM model = TinyModels.load(folder.resolve("base"), config)) {
            scores.put("quantized." + kind, scores(model, ids));
            model.savePretrained(folder.resolve("ours-" + kind));
          }
        });
    SafeTensorsWriter.write(folder.resolve("ours.safetensors"), scores);
  }

  private static Tensor scores(CausalLM model, Tensor ids) {
    int[] flat = Arrays.stream(ids.toLongArray()).mapToInt(Math::toIntExact).toArray();
    int[] mask = new int[flat.length];
    Arrays.fill(mask, 1);
    return model.logits(flat, mask, Math.toIntExact(ids.size(0)));
  }
}
