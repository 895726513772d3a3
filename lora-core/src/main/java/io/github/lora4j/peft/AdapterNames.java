package io.github.lora4j.peft;

import java.util.Collection;
import java.util.List;

/** The names of adapters: what is allowed, and how they show in the names of parameters. */
final class AdapterNames {

  /** The name that PEFT gives an adapter if none is given. */
  static final String DEFAULT = "default";

  /** Stands for no adapter in a batch whose rows use different ones. */
  static final String BASE = "__base__";

  private AdapterNames() {}

  /**
   * Refuses what can be no folder's name, or no part of a module's name in PyTorch.
   *
   * @throws IllegalArgumentException saying what is wrong
   */
  static String check(String name) {
    if (name.isBlank() || !name.strip().equals(name)) {
      throw new IllegalArgumentException(
          "An adapter's name is not blank and has no space around it, but this is \""
              + name
              + "\"");
    }
    if (name.equals(BASE)) {
      throw new IllegalArgumentException(BASE + " stands for the base model: take another name");
    }
    if (name.chars().anyMatch(c -> "./\\:*?\"<>|".indexOf(c) >= 0 || c < ' ')) {
      throw new IllegalArgumentException(
          "The name of an adapter is the name of a folder and part of the names of modules: no dot,"
              + " slash or the like can be in \""
              + name
              + "\"");
    }
    return name;
  }

  /**
   * Refuses a name that no adapter has.
   *
   * @throws IllegalArgumentException naming those that there are
   */
  static void requireKnown(String name, Collection<String> known) {
    if (!known.contains(name)) {
      throw new IllegalArgumentException(
          "There is no adapter \"%s\"; the adapters are %s".formatted(name, List.copyOf(known)));
    }
  }

  /**
   * The name of a parameter in the live model: {@code lora_A.weight} of the adapter {@code default}
   * is called so, that of the adapter {@code other} is {@code lora_A.other.weight}.
   *
   * @param key the name in PEFT's files, such as {@code model.layers.0.mlp.up_proj.lora_A.weight}
   */
  static String inModel(String key, String adapter) {
    if (adapter.equals(DEFAULT)) {
      return key;
    }
    int last = key.lastIndexOf('.');
    boolean hasParameter = key.endsWith(".weight") || key.endsWith(".bias");
    return hasParameter
        ? key.substring(0, last) + "." + adapter + key.substring(last)
        : key + "." + adapter;
  }
}
