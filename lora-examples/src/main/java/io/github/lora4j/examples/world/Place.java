package io.github.lora4j.examples.world;

import java.util.Set;

/**
 * A real place.
 *
 * @param name the name in English
 * @param traits what is true of it; the others are false
 */
public record Place(String name, Set<Trait> traits) {

  /** Copies the traits. */
  public Place {
    if (name.isBlank()) {
      throw new IllegalArgumentException("name: expected the name of a place, found none");
    }
    traits = Set.copyOf(traits);
  }

  /** Whether a trait is true of it. */
  public boolean is(Trait trait) {
    return traits.contains(trait);
  }
}
