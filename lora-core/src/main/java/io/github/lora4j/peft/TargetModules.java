package io.github.lora4j.peft;

import java.util.Arrays;
import java.util.List;

/**
 * Which layers of a model get an adapter: PEFT's {@code target_modules}.
 *
 * <p>Names are those of the checkpoint, such as {@code model.layers.0.self_attn.q_proj}.
 */
public sealed interface TargetModules {

  /** The word that stands for all linear layers, in PEFT and on command lines. */
  String ALL_LINEAR = "all-linear";

  /**
   * Layers that have one of these names, or whose names end in one of them after a dot: {@code
   * q_proj}, {@code self_attn.q_proj}, or a full name.
   *
   * @throws IllegalArgumentException if a name is empty
   */
  static TargetModules names(String... names) {
    return new Names(Arrays.asList(names));
  }

  /**
   * Layers whose whole names match a regular expression in Python's syntax, as {@code re.fullmatch}
   * does.
   *
   * @throws IllegalArgumentException if the pattern is not valid
   */
  static TargetModules regex(String pattern) {
    return new Regex(pattern);
  }

  /** Every linear layer except the output embedding or the classification head. */
  static TargetModules allLinear() {
    return new AllLinear();
  }

  /** What PEFT adapts in this family of models when nothing is said. */
  static TargetModules modelDefault() {
    return new ModelDefault();
  }

  /**
   * Names or ends of names; kept sorted and without repetition, because PEFT holds a set.
   *
   * @param names none of them empty
   */
  record Names(List<String> names) implements TargetModules {
    /** Sorts the names and drops repeated ones. */
    public Names {
      names = names.stream().sorted().distinct().toList();
      if (names.contains("")) {
        throw new IllegalArgumentException("a module name to match is empty: " + names);
      }
    }
  }

  /**
   * A regular expression for whole names.
   *
   * @param pattern in Python's syntax
   */
  record Regex(String pattern) implements TargetModules {
    /** Checks that the pattern is valid. */
    public Regex {
      if (pattern.equalsIgnoreCase(ALL_LINEAR)) {
        throw new IllegalArgumentException(
            "\"%s\" is not a pattern but PEFT's word for all linear layers: use TargetModules.allLinear()"
                .formatted(pattern));
      }
      PythonRegex.of("TargetModules.regex", pattern);
    }
  }

  /** All linear layers; see {@link #allLinear()}. */
  record AllLinear() implements TargetModules {}

  /** The family's own; see {@link #modelDefault()}. */
  record ModelDefault() implements TargetModules {}
}
