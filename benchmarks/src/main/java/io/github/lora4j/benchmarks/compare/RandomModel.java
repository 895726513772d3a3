package io.github.lora4j.benchmarks.compare;

/** A model whose weights are random, which no timing notices. */
sealed interface RandomModel permits Shape, FamilyModel {

  /** A name for its folder. */
  String name();

  /** What it is like. */
  String likeness();

  /** A {@code config.json} that both sides read. */
  String configJson();

  /** The model of this name. */
  static RandomModel byName(String name) {
    return name.startsWith(FamilyModel.PREFIX)
        ? new FamilyModel(name.substring(FamilyModel.PREFIX.length()))
        : Shape.valueOf(name);
  }
}
