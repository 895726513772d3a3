package io.github.lora4j.examples.world;

import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;

/**
 * A real place and what is known of it; whatever people could disagree about is left out.
 *
 * @param name the name in English
 * @param country the country it is in
 * @param continent the continent it is on, absent where it is on two
 * @param traits what is true and what is false of it, without what is open to dispute
 */
public record Place(
    String name, String country, Optional<String> continent, Map<Trait, Boolean> traits) {

  /** Copies the traits. */
  public Place {
    if (name.isBlank() || country.isBlank()) {
      throw new IllegalArgumentException("A place needs a name and a country: " + name);
    }
    traits = traits.isEmpty() ? Map.of() : Map.copyOf(new EnumMap<>(traits));
  }
}
