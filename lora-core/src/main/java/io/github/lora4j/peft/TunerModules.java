package io.github.lora4j.peft;

import io.github.lora4j.error.AdapterMismatchException;
import io.github.lora4j.model.DecoderModel;
import io.github.lora4j.model.SequenceClassifier;
import io.github.lora4j.nn.DenseLinear;
import io.github.lora4j.nn.LinearLayer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The modules of a model that is to get an adapter of another kind than LoRA. */
final class TunerModules {

  private static final List<String> CLASSIFIER_HEADS = List.of("classifier", "score");

  private final DecoderModel base;
  private final Map<String, LinearLayer> linears = new LinkedHashMap<>();

  /**
   * Looks at a model.
   *
   * @throws IllegalStateException if it learns itself
   */
  TunerModules(DecoderModel base) {
    this.base = base;
    base.linearLayers().forEach(layer -> linears.put(layer.name(), layer));
    if (!base.trainableParameters().isEmpty()) {
      throw new IllegalStateException(
          "The base model's own parameters are set to learn, or it is seen through an adapter in"
              + " training; an adapter needs them frozen: call requiresGrad(false) on it first.");
    }
  }

  DecoderModel base() {
    return base;
  }

  String modelType() {
    return base.family().modelType();
  }

  LinearLayer linear(String name) {
    return linears.get(name);
  }

  /** All modules, for matching. */
  List<ModuleEntry> entries() {
    return base.moduleNames().stream().map(name -> new ModuleEntry(name, kind(name))).toList();
  }

  private ModuleEntry.Kind kind(String name) {
    if (name.equals(base.headName())) {
      return ModuleEntry.Kind.OUTPUT_HEAD;
    }
    return linears.containsKey(name) ? ModuleEntry.Kind.LINEAR : ModuleEntry.Kind.OTHER;
  }

  /** What the adapted model is for, where the configuration of a prompt doesn't say. */
  TaskType task(Optional<TaskType> given) {
    return given.orElse(base instanceof SequenceClassifier ? TaskType.SEQ_CLS : TaskType.CAUSAL_LM);
  }

  /** The names of {@code modules_to_save}, those of a classifier's head among them. */
  List<String> savedNames(List<String> given, Optional<TaskType> task) {
    if (base instanceof SequenceClassifier && task.equals(Optional.of(TaskType.CAUSAL_LM))) {
      throw new AdapterMismatchException(
          "taskType is CAUSAL_LM, but " + base + " classifies sequences: set it to SEQ_CLS");
    }
    List<String> names = new ArrayList<>(given);
    if (task.equals(Optional.of(TaskType.SEQ_CLS))) {
      CLASSIFIER_HEADS.stream().filter(name -> !names.contains(name)).forEach(names::add);
    }
    return List.copyOf(names);
  }

  /**
   * The layers of {@code modules_to_save}.
   *
   * @param given what the user named
   * @param all the same with a classifier's heads
   * @throws AdapterMismatchException if a name that was given matches no dense linear layer
   */
  List<DenseLinear> saved(List<String> given, List<String> all, NameCheck check) {
    List<String> unknown =
        given.stream()
            .filter(name -> linears.keySet().stream().noneMatch(layer -> layer.endsWith(name)))
            .filter(name -> !CLASSIFIER_HEADS.contains(name))
            .toList();
    if (!unknown.isEmpty() && check == NameCheck.STRICT) {
      throw new AdapterMismatchException(
          "modulesToSave: no linear layer is named "
              + unknown.get(0)
              + KnownModules.didYouMean(unknown.get(0), List.copyOf(linears.keySet())));
    }
    // PEFT looks at the end of the name only, wherever a part of it begins.
    return linears.values().stream()
        .filter(layer -> all.stream().anyMatch(layer.name()::endsWith))
        .map(TunerModules::dense)
        .toList();
  }

  private static DenseLinear dense(LinearLayer layer) {
    if (layer instanceof DenseLinear dense) {
      return dense;
    }
    throw new AdapterMismatchException(
        "modulesToSave: "
            + layer.name()
            + " can be trained whole only where its weight is dense, found "
            + layer.getClass().getSimpleName());
  }
}
