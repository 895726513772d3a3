package io.github.lora4j.examples.world;

/** What can be true of a place. */
public enum Trait {
  /** Inside a mountain range or in a high valley of one, not merely in sight of it. */
  MOUNTAINS("in the mountains"),
  /** On the coast of a sea or an ocean; a river port does not count. */
  SEA("on the sea"),
  /** In a desert or in an oasis of one. */
  DESERT("in a desert"),
  /** More than a million people live in the city itself, whichever way it is counted. */
  MILLION("home to over a million people");

  private final String phrase;

  Trait(String phrase) {
    this.phrase = phrase;
  }

  /** What follows "is", as in "Havana is on the sea". */
  public String phrase() {
    return phrase;
  }
}
