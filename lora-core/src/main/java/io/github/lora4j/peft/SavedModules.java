package io.github.lora4j.peft;

import io.github.lora4j.error.AdapterMismatchException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** The modules that are trained and saved whole: {@code modules_to_save}, matched as in PEFT. */
final class SavedModules {

  /** What PEFT calls the heads of classifiers, in the order in which it adds them. */
  private static final List<String> CLASSIFIER_HEADS = List.of("classifier", "score");

  private SavedModules() {}

  /** The configuration with the heads of classifiers in it, where it is for a classifier. */
  static LoraConfig complete(LoraConfig config) {
    if (!isForClassifier(config)) {
      return config;
    }
    List<String> names = new ArrayList<>(config.modulesToSave());
    CLASSIFIER_HEADS.stream().filter(name -> !names.contains(name)).forEach(names::add);
    return config.toBuilder().modulesToSave(names.toArray(new String[0])).build();
  }

  private static boolean isForClassifier(LoraConfig config) {
    return config.taskType().filter(TaskType.SEQ_CLS::equals).isPresent();
  }

  /** Whether a module is one of these or inside of one, and so gets no adapter. */
  static boolean contain(List<String> names, String module) {
    return names.stream().anyMatch(name -> ("." + module + ".").contains("." + name + "."));
  }

  /**
   * Finds the modules. A container stands for all that is inside of it, whose copies compute and
   * are saved as a copy of the container would be.
   *
   * @throws AdapterMismatchException if one can't be trained whole, or, with {@link
   *     NameCheck#STRICT}, a name matches none
   */
  static List<String> match(KnownModules model, LoraConfig config, NameCheck check) {
    List<String> named = new ArrayList<>();
    Set<String> copied = new HashSet<>();
    List<String> problems = new ArrayList<>();
    for (ModuleEntry module : model.entries()) {
      // PEFT looks at the end of the name only, wherever a part of it begins.
      if (config.modulesToSave().stream().anyMatch(module.name()::endsWith)) {
        named.add(module.name());
        for (ModuleEntry part : model.leaves(module)) {
          copied.add(part.name());
          if (!part.canBeCopied()) {
            problems.add(
                part.name() + " is no linear layer, embedding or norm: name what is beside it");
          }
        }
      }
    }
    if (check == NameCheck.STRICT) {
      config.modulesToSave().stream()
          .filter(name -> isUnknown(name, named, config))
          .map(name -> "no module is named " + name + hint(name, model))
          .forEach(problems::add);
    }
    if (!problems.isEmpty()) {
      throw new AdapterMismatchException("modulesToSave: " + String.join("; ", problems));
    }
    return model.names().stream().filter(copied::contains).toList();
  }

  /** Of the heads that were added for a classifier, one is enough. */
  private static boolean isUnknown(String name, List<String> found, LoraConfig config) {
    boolean added = isForClassifier(config) && CLASSIFIER_HEADS.contains(name);
    return found.stream()
        .noneMatch(
            module ->
                module.endsWith(name)
                    || added && CLASSIFIER_HEADS.stream().anyMatch(module::endsWith));
  }

  private static String hint(String name, KnownModules model) {
    return CLASSIFIER_HEADS.contains(name)
        ? " (taskType SEQ_CLS is for models of AutoModelForSequenceClassification)"
        : KnownModules.didYouMean(name, model.linearNames());
  }
}
