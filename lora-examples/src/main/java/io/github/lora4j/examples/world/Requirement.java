package io.github.lora4j.examples.world;

import java.util.List;
import java.util.Optional;

/** Something that a place meets or doesn't meet. */
public sealed interface Requirement {

  /** The ways to say it after "is", the usual one first. */
  List<String> phrases();

  /** Whether {@code place} meets it; empty where that is open to dispute. */
  Optional<Boolean> metBy(Place place);

  /** The usual way to say it: the requirement's name. */
  default String name() {
    return phrases().get(0);
  }

  /**
   * A requirement that a trait be true.
   *
   * @param trait the trait
   */
  record Has(Trait trait) implements Requirement {
    @Override
    public List<String> phrases() {
      return trait.phrases();
    }

    @Override
    public Optional<Boolean> metBy(Place place) {
      return Optional.ofNullable(place.traits().get(trait));
    }
  }

  /**
   * A requirement to be on a continent.
   *
   * @param continent its name
   */
  record OnContinent(String continent) implements Requirement {
    @Override
    public List<String> phrases() {
      return List.of("in " + continent);
    }

    @Override
    public Optional<Boolean> metBy(Place place) {
      return place.continent().map(continent::equals);
    }
  }

  /**
   * A requirement to be in a country.
   *
   * @param country its name
   */
  record InCountry(String country) implements Requirement {
    @Override
    public List<String> phrases() {
      return List.of("in " + World.withArticle(country));
    }

    @Override
    public Optional<Boolean> metBy(Place place) {
      return Optional.of(country.equals(place.country()));
    }
  }
}
