package io.github.lora4j.io.hub;

import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;

/** Says what a repository is that doesn't hold what was asked for. */
final class Unsuitable {

  private static final Pattern PICKLE = Pattern.compile(".*\\.(?:bin|pt|pth|ckpt|pkl)");
  private static final Pattern OTHER_WEIGHTS =
      Pattern.compile(".*\\.(?:safetensors|gguf|onnx|h5|msgpack|mlpackage|tflite)");
  private static final int MOST_NAMES = 5;

  private Unsuitable() {}

  static HubFailure of(RepoId repo, Revision revision, Content content, Set<String> files) {
    String where = "%s at revision %s".formatted(repo, revision);
    String problem =
        switch (content) {
          case MODEL -> noModel(repo, files);
          case ADAPTER -> noAdapter(repo, files);
          case TOKENIZER ->
              "holds no tokenizer: expected tokenizer.json, tokenizer.model, or vocab.json and"
                  + " merges.txt, found "
                  + some(files, Pattern.compile(".*"));
        };
    return HubFailure.definite(where + " " + problem);
  }

  private static String noModel(RepoId repo, Set<String> files) {
    if (files.contains(Content.ADAPTER_CONFIG)) {
      return "is an adapter, not a model: load the base that its adapter_config.json names, and the"
          + " adapter with PeftModel.fromPretrained";
    }
    if (!some(files, PICKLE).isEmpty()) {
      return "holds its weights as Python pickles only ("
          + some(files, PICKLE)
          + "). A pickle can run code when it is read, so LoRA4J does not. Convert it once in"
          + " Python: AutoModelForCausalLM.from_pretrained(\""
          + repo
          + "\").save_pretrained(folder, safe_serialization=True), and load that folder";
    }
    if (!files.contains(Content.CONFIG) && files.contains(Content.WEIGHTS)) {
      return "holds weights but no config.json, so nothing says what model they are";
    }
    String others = some(files, OTHER_WEIGHTS);
    return "holds no model that LoRA4J reads: expected config.json and model.safetensors (or"
        + " model.safetensors.index.json), found "
        + (others.isEmpty() ? some(files, Pattern.compile(".*")) : others);
  }

  private static String noAdapter(RepoId repo, Set<String> files) {
    if (files.contains("adapter_model.bin")) {
      return "holds its adapter as a Python pickle only (adapter_model.bin). A pickle can run code"
          + " when it is read, so LoRA4J does not. Convert it once in Python:"
          + " PeftModel.from_pretrained(base, \""
          + repo
          + "\").save_pretrained(folder), and load that folder";
    }
    return "holds no adapter: expected adapter_config.json and adapter_model.safetensors, found "
        + some(files, Pattern.compile(".*"));
  }

  private static String some(Set<String> files, Pattern which) {
    List<String> names =
        files.stream()
            .filter(name -> which.matcher(name).matches())
            .sorted(Comparator.naturalOrder())
            .map(ServerText::of)
            .toList();
    String first = String.join(", ", names.subList(0, Math.min(MOST_NAMES, names.size())));
    return names.size() > MOST_NAMES
        ? first + " and %d more".formatted(names.size() - MOST_NAMES)
        : first;
  }
}
