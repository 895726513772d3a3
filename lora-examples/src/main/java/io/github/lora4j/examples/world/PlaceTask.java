package io.github.lora4j.examples.world;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;

/** The rows of the fine-tuning task, as CSV: a requirement, a list of places, and 1 or 0. */
public final class PlaceTask {

  /** The header row. */
  public static final String HEADER = "requirement,places,answer";

  private PlaceTask() {}

  /**
   * Draws the rows of a CSV file: no two ask the same thing, and each half of them has one answer.
   *
   * @param world where from
   * @param rows how many
   * @param heldOut whether they are for the final test rather than for training
   * @param seed equal seeds give equal files
   * @return the lines, the header first
   */
  public static List<String> csv(World world, int rows, boolean heldOut, long seed) {
    Random random = new Random(seed);
    Set<String> asked = new LinkedHashSet<>();
    List<String> lines = new ArrayList<>();
    lines.add(HEADER);
    while (lines.size() <= rows) {
      // by turns, so that each requirement and each answer has its share
      int turn = lines.size() - 1;
      boolean answer = turn % 2 == 0;
      Trait requirement = Trait.values()[turn / 2 % Trait.values().length];
      Question question = Question.draw(world, requirement, answer, heldOut, random);
      if (asked.add(question.key())) {
        lines.add(row(question));
      }
    }
    return lines;
  }

  private static String row(Question question) {
    return question.requirement().phrase()
        + ",\""
        + question.placeNames()
        + "\","
        + (question.answer() ? 1 : 0);
  }
}
