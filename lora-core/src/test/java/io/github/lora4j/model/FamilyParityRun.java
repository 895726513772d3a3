package io.github.lora4j.model;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.lora4j.data.Batch;
import io.github.lora4j.error.LoraException;
import io.github.lora4j.io.SafeTensorsWriter;
import io.github.lora4j.peft.InitLoraWeights;
import io.github.lora4j.peft.LoraConfig;
import io.github.lora4j.peft.PeftModel;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import io.github.lora4j.testing.FamilyCase;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/**
 * Our side of src/test/python/check_families.py, which starts it: measures every case of a folder,
 * and writes what transformers and PEFT are to read.
 *
 * <p>Beside the files of a case stand afterwards {@code ours.json} with what was measured, refused
 * and failed, {@code ours.safetensors} with logits, and {@code ours/} with a checkpoint, adapters
 * and merged models.
 */
@Tag("oracle")
@EnabledIfSystemProperty(named = FamilyParityRun.CASES, matches = ".+")
class FamilyParityRun {

  static final String CASES = "lora4j.parity.cases";

  private static final ObjectMapper JSON = new ObjectMapper();

  @Test
  void measuresAllCases() throws IOException {
    for (FamilyCase parity : FamilyCase.in(Path.of(System.getProperty(CASES)))) {
      new OneCase(parity).run();
    }
  }

  private static final class OneCase {
    private final FamilyCase parity;
    private final Path ours;
    private final Map<String, Map<String, Double>> measured = new LinkedHashMap<>();
    private final Map<String, String> refused = new LinkedHashMap<>();
    private final Map<String, String> failed = new LinkedHashMap<>();
    private final Map<String, float[]> logits = new LinkedHashMap<>();

    OneCase(FamilyCase parity) {
      this.parity = parity;
      this.ours = parity.at("ours");
    }

    void run() throws IOException {
      measure("logits", () -> FamilyChecks.logits(parity));
      if (measured.containsKey("logits")) {
        measure("old config", () -> Map.of("scores", FamilyChecks.olderConfig(parity)));
        measure("greedy", () -> FamilyChecks.greedy(parity));
        if (parity.has("seqcls")) {
          measure("seqcls", () -> Map.of("scores", FamilyChecks.seqcls(parity)));
        }
        for (String kind : parity.adapterKinds()) {
          measure(kind, () -> FamilyChecks.adapter(parity, kind));
          if (measured.containsKey(kind)) {
            measure("gradients of " + kind, () -> FamilyChecks.gradients(parity, kind));
            measure("writing " + kind, () -> written(kind));
          }
        }
        if (parity.has("train")) {
          for (FamilyTraining.Way way : FamilyTraining.Way.values()) {
            measure("train " + way, () -> train(way));
          }
        }
        measure("writing base", this::writtenBase);
      }
      write();
    }

    /** Takes a measurement down, or why there is none. */
    private void measure(String what, Callable<Map<String, Double>> work) {
      try {
        measured.put(what, work.call());
      } catch (LoraException e) {
        refused.put(what, e.getMessage());
      } catch (Exception | AssertionError e) {
        failed.put(what, e.toString());
      }
    }

    private Map<String, Double> train(FamilyTraining.Way way) {
      Path adapter = ours.resolve("train-" + way);
      Map<String, Double> found = FamilyTraining.run(parity, way, adapter);
      try (CausalLM base = AutoModelForCausalLM.fromPretrained(parity.base());
          PeftModel<CausalLM> peft = PeftModel.fromPretrained(base, adapter)) {
        logits.put("train-" + way, FamilyChecks.last(peft.model(), parity.batch()));
      }
      return found;
    }

    /** An adapter of our own with the settings of PEFT's, beside its base and merged. */
    private Map<String, Double> written(String kind) {
      Batch batch = parity.batch();
      LoraConfig config =
          LoraConfig.load(parity.at("adapters/" + kind)).toBuilder()
              .initLoraWeights(InitLoraWeights.RANDOM)
              .build();
      try (CausalLM base = AutoModelForCausalLM.fromPretrained(parity.base());
          PeftModel<CausalLM> peft = PeftModel.wrap(base, config)) {
        logits.put("adapter " + kind, FamilyChecks.last(peft.model(), batch));
        peft.savePretrained(ours.resolve("adapter-" + kind));
        try (CausalLM merged = peft.mergeAndUnload()) {
          logits.put("merged " + kind, FamilyChecks.last(merged, batch));
          merged.savePretrained(ours.resolve("merged-" + kind));
        }
      }
      return Map.of();
    }

    private Map<String, Double> writtenBase() {
      try (CausalLM base = AutoModelForCausalLM.fromPretrained(parity.base())) {
        logits.put("base", FamilyChecks.last(base, parity.batch()));
        base.savePretrained(ours.resolve("base"));
      }
      return Map.of();
    }

    private void write() throws IOException {
      JSON.writeValue(
          parity.at("ours.json").toFile(),
          Map.of("measured", measured, "refused", refused, "failed", failed));
      try (TensorScope scope = TensorScope.open()) {
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        logits.forEach((name, scores) -> tensors.put(name, Tensor.of(scores, scores.length)));
        SafeTensorsWriter.write(parity.at("ours.safetensors"), tensors);
      }
    }
  }
}
