package io.github.lora4j.examples.world;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/**
 * Is something true of at least one of a few places?
 *
 * @param requirement what is asked for
 * @param places two or three different places
 */
public record Question(Trait requirement, List<Place> places) {

  /** One question in this many, whatever its wording and order, is kept for the final test. */
  private static final int HELD_OUT_ONE_IN = 8;

  /** Copies the places. */
  public Question {
    places = List.copyOf(places);
  }

  /** Whether at least one place meets the requirement. */
  public boolean answer() {
    return places.stream().anyMatch(place -> place.is(requirement));
  }

  /** The names of the places, with commas. */
  public String placeNames() {
    return String.join(", ", places.stream().map(Place::name).toList());
  }

  /**
   * The question without its wording and order: equal for two questions that ask the same thing.
   */
  public String key() {
    return requirement
        + " | "
        + String.join(", ", places.stream().map(Place::name).sorted().toList());
  }

  /**
   * Whether this question belongs to the held-out part of all possible questions: no text for
   * pretraining and no row for fine-tuning ever asks it.
   */
  public boolean heldOut() {
    int hash = key().hashCode();
    hash ^= hash >>> 15;
    hash *= 0x2c1b3c6d;
    hash ^= hash >>> 12;
    return Math.floorMod(hash, HELD_OUT_ONE_IN) == 0;
  }

  /**
   * Draws a question.
   *
   * @param answer the answer that it must have
   * @param heldOut the part that it must come from
   */
  static Question draw(
      World world, Trait requirement, boolean answer, boolean heldOut, Random random) {
    while (true) {
      int size = 2 + random.nextInt(2);
      int meeting = answer ? 1 + (random.nextInt(3) == 0 ? 1 : 0) : 0;
      List<Place> places = new ArrayList<>();
      places.addAll(some(world.places(requirement, true), Math.min(meeting, size), random));
      places.addAll(some(world.places(requirement, false), size - places.size(), random));
      Collections.shuffle(places, random);
      Question question = new Question(requirement, places);
      if (question.heldOut() == heldOut) {
        return question;
      }
    }
  }

  private static List<Place> some(List<Place> from, int count, Random random) {
    List<Place> shuffled = new ArrayList<>(from);
    Collections.shuffle(shuffled, random);
    return shuffled.subList(0, count);
  }
}
