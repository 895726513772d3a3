package io.github.lora4j.examples.world;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Optional;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class WorldTest {

  private final World world = World.load();

  @Test
  void knowsEachPlaceOnce() {
    assertThat(world.places()).hasSizeGreaterThan(200);
    assertThat(world.places()).extracting(Place::name).doesNotHaveDuplicates();
  }

  @Test
  void knowsWhatEveryAtlasSays() {
    assertThat(trait("Lima", Trait.SEA)).contains(true);
    assertThat(trait("Lima", Trait.CAPITAL)).contains(true);
    assertThat(trait("Zermatt", Trait.MOUNTAINS)).contains(true);
    assertThat(trait("Zermatt", Trait.SEA)).contains(false);
    assertThat(trait("Sydney", Trait.CAPITAL)).contains(false);
    assertThat(trait("Canberra", Trait.CAPITAL)).contains(true);
    assertThat(trait("Reykjavik", Trait.ISLAND)).contains(true);
    assertThat(trait("Aswan", Trait.DESERT)).contains(true);
    assertThat(place("Cusco").country()).isEqualTo("Peru");
    assertThat(place("Suva").continent()).contains("Oceania");
  }

  @Test
  void leavesOutWhatIsOpenToDispute() {
    assertThat(trait("Stockholm", Trait.ISLAND)).isEmpty();
    assertThat(place("Istanbul").continent()).isEmpty();
  }

  @Test
  void givesNoCountryTwoCapitals() {
    assertThat(
            world.places().stream()
                .filter(p -> p.traits().getOrDefault(Trait.CAPITAL, false))
                .collect(Collectors.groupingBy(Place::country, Collectors.counting()))
                .values())
        .containsOnly(1L);
  }

  @Test
  void putsEachCountryOnOneContinent() {
    assertThat(
            world.places().stream()
                .filter(p -> !p.country().equals("Russia"))
                .filter(p -> p.continent().isPresent())
                .collect(
                    Collectors.groupingBy(
                        Place::country,
                        Collectors.mapping(p -> p.continent().orElseThrow(), Collectors.toSet())))
                .values())
        .allSatisfy(continents -> assertThat(continents).hasSize(1));
  }

  @Test
  void hasEnoughPlacesOnBothSidesOfEveryRequirement() {
    for (Requirement requirement : world.requirements()) {
      long meeting = world.places().stream().filter(p -> is(requirement, p, true)).count();
      long failing = world.places().stream().filter(p -> is(requirement, p, false)).count();
      assertThat(meeting).as(requirement.name()).isGreaterThanOrEqualTo(5);
      assertThat(failing).as(requirement.name()).isGreaterThan(100);
    }
  }

  private static boolean is(Requirement requirement, Place place, boolean met) {
    return requirement.metBy(place).equals(Optional.of(met));
  }

  private Optional<Boolean> trait(String name, Trait trait) {
    return new Requirement.Has(trait).metBy(place(name));
  }

  private Place place(String name) {
    return world.places().stream().filter(p -> p.name().equals(name)).findFirst().orElseThrow();
  }
}
