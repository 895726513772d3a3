package io.github.lora4j.examples.world;

import java.util.List;

/** What can be true of a place; the phrases follow "is", as in "Lima is on the sea". */
public enum Trait {
  /** Inside a mountain range or in a high valley of one, not merely in sight of it. */
  MOUNTAINS("in the mountains", "among mountains"),
  /** On the coast of a sea or an ocean; a river port does not count. */
  SEA("on the sea", "by the sea"),
  /** In a desert or in an oasis of one. */
  DESERT("in a desert", "in the desert"),
  /** More than a million people live in the city itself, whichever way it is counted. */
  MILLION("home to over a million people", "a city of over a million people"),
  /** The capital of a sovereign country. */
  CAPITAL("a capital city", "the capital of a country"),
  /** Surrounded by water on an island smaller than Australia. */
  ISLAND("on an island", "surrounded by water");

  private final List<String> phrases;

  Trait(String... phrases) {
    this.phrases = List.of(phrases);
  }

  /** The ways to say it, the usual one first. */
  public List<String> phrases() {
    return phrases;
  }
}
