package io.github.lora4j.examples.world;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/**
 * Does at least one of a few places meet a requirement?
 *
 * @param requirement the requirement
 * @param places two to four different places, each of which clearly meets it or clearly doesn't
 */
public record Question(Requirement requirement, List<Place> places) {

  private static final int SMALLEST_LIST = 2;
  private static final int LARGEST_LIST = 4;

  /** One question in this many, whatever its wording and order, is kept for the final test. */
  private static final int HELD_OUT_ONE_IN = 8;

  /** Copies the places and checks that the question has an answer. */
  public Question {
    places = List.copyOf(places);
    for (Place place : places) {
      if (requirement.metBy(place).isEmpty()) {
        throw new IllegalArgumentException(
            place.name() + ": it is open to dispute whether it is " + requirement.name());
      }
    }
  }

  /** The places that meet the requirement, in the order of the list. */
  public List<Place> meeting() {
    return places.stream().filter(p -> requirement.metBy(p).orElseThrow()).toList();
  }

  /** Whether at least one place meets the requirement. */
  public boolean answer() {
    return !meeting().isEmpty();
  }

  /** The names of the places, with commas. */
  public String placeNames() {
    return String.join(", ", places.stream().map(Place::name).toList());
  }

  /**
   * The question without its wording and order, as text: equal for two questions that ask the same
   * thing.
   */
  public String key() {
    List<String> names = new ArrayList<>(places.stream().map(Place::name).toList());
    Collections.sort(names);
    return requirement.name() + " | " + String.join(", ", names);
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
   * @param world where from
   * @param requirement the requirement
   * @param answer the answer that it must have
   * @param heldOut the part that it must come from
   * @param random the source of randomness
   */
  static Question draw(
      World world, Requirement requirement, boolean answer, boolean heldOut, Random random) {
    List<Place> meeting = new ArrayList<>();
    List<Place> failing = new ArrayList<>();
    for (Place place : world.places()) {
      requirement.metBy(place).ifPresent(met -> (met ? meeting : failing).add(place));
    }
    while (true) {
      int size = SMALLEST_LIST + random.nextInt(LARGEST_LIST - SMALLEST_LIST + 1);
      int hits = answer ? 1 : 0;
      while (answer && hits < size - 1 && random.nextInt(3) == 0) {
        hits++;
      }
      List<Place> places = new ArrayList<>();
      pick(meeting, hits, places, random);
      pick(failing, size - hits, places, random);
      Collections.shuffle(places, random);
      Question question = new Question(requirement, places);
      if (question.heldOut() == heldOut) {
        return question;
      }
    }
  }

  private static void pick(List<Place> from, int count, List<Place> into, Random random) {
    for (int i = 0; i < count; i++) {
      Place place = from.get(random.nextInt(from.size()));
      if (into.contains(place)) {
        i--;
      } else {
        into.add(place);
      }
    }
  }
}
