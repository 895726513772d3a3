package io.github.lora4j.examples.world;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Set;
import org.junit.jupiter.api.Test;

class WorldTest {

  private final World world = World.load();

  private Place place(String name) {
    return world.places().stream().filter(p -> p.name().equals(name)).findFirst().orElseThrow();
  }

  @Test
  void knowsEachPlaceOnceAndSomethingOfEach() {
    assertThat(world.places()).hasSizeGreaterThan(70);
    assertThat(world.places()).extracting(Place::name).doesNotHaveDuplicates();
    assertThat(world.places()).allMatch(place -> !place.traits().isEmpty());
  }

  @Test
  void knowsWhatEveryAtlasSays() {
    assertThat(place("Zermatt").traits()).isEqualTo(Set.of(Trait.MOUNTAINS));
    assertThat(place("Havana").traits()).isEqualTo(Set.of(Trait.SEA, Trait.MILLION));
    assertThat(place("Timbuktu").traits()).isEqualTo(Set.of(Trait.DESERT));
    assertThat(place("Dubai").traits()).isEqualTo(Set.of(Trait.SEA, Trait.DESERT, Trait.MILLION));
  }

  @Test
  void hasEnoughPlacesOnBothSidesOfEveryRequirement() {
    for (Trait trait : Trait.values()) {
      assertThat(world.places(trait, true)).as(trait.phrase()).hasSizeGreaterThan(15);
      assertThat(world.places(trait, false)).as(trait.phrase()).hasSizeGreaterThan(30);
    }
  }
}
