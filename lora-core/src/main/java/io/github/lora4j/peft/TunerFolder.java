package io.github.lora4j.peft;

import io.github.lora4j.error.AdapterMismatchException;
import io.github.lora4j.internal.text.PythonJson;
import io.github.lora4j.io.AtomicFile;
import io.github.lora4j.io.SafeTensors;
import io.github.lora4j.io.SafeTensorsWriter;
import io.github.lora4j.io.TensorMismatch;
import io.github.lora4j.model.DecoderModel;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Adapters of kinds other than LoRA as PEFT lays them out. */
final class TunerFolder {

  private static final String WEIGHTS = "adapter_model.safetensors";
  private static final String CARD = "README.md";

  private TunerFolder() {}

  /**
   * Reads all tensors, in float32; the caller owns them.
   *
   * @param expected their shapes, by PEFT's names
   * @throws AdapterMismatchException listing all missing, unexpected and misshapen keys at once
   */
  static Map<String, Tensor> read(Path folder, Map<String, List<Long>> expected, Device device) {
    Path file = folder.resolve(WEIGHTS);
    if (!Files.isRegularFile(file)) {
      throw new AdapterMismatchException(
          file + " is missing: an adapter folder holds adapter_config.json and " + WEIGHTS + ".");
    }
    Map<String, Tensor> read = new LinkedHashMap<>();
    try (SafeTensors tensors = SafeTensors.open(file)) {
      TensorMismatch.describe(tensors.names(), tensors::info, expected, name -> false)
          .ifPresent(
              differences -> {
                throw new AdapterMismatchException(
                    file
                        + " doesn't hold the adapter that adapter_config.json describes for this"
                        + " base model."
                        + differences);
              });
      for (String name : expected.keySet()) {
        try (TensorScope scope = TensorScope.open()) {
          // A copy, not a view of the mapping: the file may be saved over.
          Tensor copy = tensors.tensor(name).to(DType.F32).copy().to(device);
          read.put(name, TensorScope.keep(copy));
        }
      }
      return read;
    } catch (RuntimeException | Error e) {
      read.values().forEach(Tensor::close);
      throw e;
    }
  }

  /**
   * Writes an adapter. The configuration comes last: a folder without it is no adapter, so a
   * half-written one never loads.
   */
  static void write(Path folder, DecoderModel base, Tuner tuner) {
    Optional<String> name =
        tuner.config().baseModelNameOrPath().or(() -> base.source().map(Path::toString));
    try (TensorScope scope = TensorScope.open()) {
      SafeTensorsWriter.write(folder.resolve(WEIGHTS), tuner.tensors());
    }
    if (!Files.exists(folder.resolve(CARD))) {
      AtomicFile.writeString(folder.resolve(CARD), card(tuner.config().peftType(), name));
    }
    AtomicFile.writeString(
        folder.resolve(AdapterConfigKeys.FILE), PythonJson.write(keys(base, tuner, name)));
  }

  private static Map<String, @Nullable Object> keys(
      DecoderModel base, Tuner tuner, Optional<String> name) {
    PeftConfig config = tuner.config();
    Map<String, @Nullable Object> json = new TreeMap<>(tuner.keys());
    json.put(AdapterConfigKeys.PEFT_TYPE, config.peftType().name());
    json.put(AdapterConfigKeys.PEFT_VERSION, AdapterConfigWriter.WRITTEN_AS);
    json.put(AdapterConfigKeys.TASK_TYPE, config.taskType().map(TaskType::name).orElse(null));
    json.put(AdapterConfigKeys.INFERENCE_MODE, true);
    json.put(AdapterConfigKeys.BASE_MODEL, name.orElse(null));
    json.put(AdapterConfigKeys.REVISION, config.revision().orElse(null));
    json.put(AdapterConfigKeys.AUTO_MAPPING, config.taskType().isPresent() ? null : mapping(base));
    return json;
  }

  private static Map<String, String> mapping(DecoderModel base) {
    String type = base.family().modelType();
    return new TreeMap<>(
        Map.of(
            "base_model_class",
            base.transformersClass(),
            "parent_library",
            "transformers.models." + type + ".modeling_" + type));
  }

  /** What the Hugging Face hub reads, and a few words for people. */
  private static String card(PeftType type, Optional<String> base) {
    String kind = type.name().toLowerCase(Locale.ROOT);
    return """
    ---
    base_model: %s
    library_name: peft
    tags:
    - %s
    - transformers
    ---

    # Adapter

    An adapter of the kind %s, trained with LoRA4J and saved in PEFT's format. It is no model by
    itself: load it on top of its base model.

    In Java: `TunedModel.fromPretrained(model, Path.of("path/to/this/folder"))`

    In Python: `PeftModel.from_pretrained(model, "path/to/this/folder")`
    """
        .formatted(PythonJson.write(base.orElse("")), kind, type);
  }
}
