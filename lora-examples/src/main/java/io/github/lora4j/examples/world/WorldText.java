package io.github.lora4j.examples.world;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/**
 * Writes short texts about the world to pretrain on: descriptions, questions about one place,
 * questions about lists, and some counting.
 *
 * <p>Everything it says is true. It never writes a held-out {@link Question}, and it answers
 * questions with yes and no, never with the digits 1 and 0 that the fine-tuning task asks for.
 */
public final class WorldText {

  private final World world;
  private final Random random;

  /**
   * Starts a sequence of texts.
   *
   * @param world what to write about
   * @param seed equal seeds give equal texts
   */
  public WorldText(World world, long seed) {
    this.world = world;
    this.random = new Random(seed);
  }

  /** The next {@code count} texts. */
  public List<WorldDocument> next(int count) {
    List<WorldDocument> texts = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      texts.add(next());
    }
    return texts;
  }

  /** The next text: more than half of them ask about lists, which is the hardest to learn. */
  public WorldDocument next() {
    int kind = random.nextInt(100);
    if (kind < 35) {
      return questionAboutOne();
    }
    if (kind < 85) {
      return questionAboutList();
    }
    return kind < 95 ? description() : count();
  }

  private WorldDocument questionAboutOne() {
    Trait trait = any(List.of(Trait.values()));
    boolean is = random.nextBoolean();
    String asked = any(world.places(trait, is)).name() + " " + trait.phrase() + "?";
    String question = random.nextBoolean() ? "Is " + asked : "Question: Is " + asked + "\nAnswer:";
    return new WorldDocument.Writer().given(question).learn(yes(is)).document();
  }

  private WorldDocument questionAboutList() {
    boolean answer = random.nextBoolean();
    Question question = Question.draw(world, any(List.of(Trait.values())), answer, false, random);
    String phrase = question.requirement().phrase();
    String names = question.placeNames();
    String text =
        switch (random.nextInt(4)) {
          case 0 -> "Wanted: " + phrase + "\nPlaces: " + names + "\nDoes one of them fit?";
          case 1 -> "Is one of these places " + phrase + "? " + names + "\nAnswer:";
          case 2 -> "You know many places.\nPlaces: " + names + "\nIs one of them " + phrase + "?";
          default ->
              "You are a guide who knows many places. Say yes or no.\n\nRequirement: "
                  + (phrase + "\nPlaces: " + names + "\nAnswer:\n");
        };
    String reply = text.endsWith("\n") ? yes(answer).strip() : yes(answer);
    return new WorldDocument.Writer().given(text).learn(reply).document();
  }

  private WorldDocument description() {
    Place place = any(world.places());
    List<Trait> traits = new ArrayList<>(Arrays.asList(Trait.values()));
    Collections.shuffle(traits, random);
    StringBuilder text = new StringBuilder();
    for (Trait trait : traits) {
      text.append(place.is(trait) ? " It is " : " It is not ").append(trait.phrase()).append('.');
    }
    return new WorldDocument.Writer()
        .given("About " + place.name() + ":")
        .learn(text.toString())
        .document();
  }

  /** Digits, so that a model can write them; they answer no question here. */
  private WorldDocument count() {
    int first = random.nextInt(11);
    StringBuilder rest = new StringBuilder();
    for (int number = first + 1; number <= first + 5; number++) {
      rest.append('\n').append(number);
    }
    return new WorldDocument.Writer()
        .given("Count on:")
        .learn("\n" + first)
        .learn(rest.toString())
        .document();
  }

  private static String yes(boolean is) {
    return is ? " Yes." : " No.";
  }

  private <T> T any(List<T> list) {
    return list.get(random.nextInt(list.size()));
  }
}
