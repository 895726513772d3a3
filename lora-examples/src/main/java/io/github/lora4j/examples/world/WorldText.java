package io.github.lora4j.examples.world;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/**
 * Writes short texts about the world to pretrain on: fact sheets, questions, lists and talks.
 *
 * <p>Everything it says is true. It never writes a held-out {@link Question}, and nowhere does it
 * answer with the digits 1 and 0, as the fine-tuning task will.
 */
public final class WorldText {

  private static final List<String> NAMES =
      List.of("Anna", "Ben", "Chloe", "David", "Emma", "Felix", "Grace", "Hugo");
  private static final int QUESTIONS_ABOUT_ONE_PLACE = 6;
  private static final int PLACES_IN_ONE_CHECK = 7;

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

  /** The next text, one to a dozen lines, ending without a line break. */
  public WorldDocument next() {
    int kind = random.nextInt(100);
    if (kind < 20) {
      return factSheet();
    }
    if (kind < 35) {
      return manyQuestions();
    }
    if (kind < 60) {
      return checkedList();
    }
    if (kind < 90) {
      return listQuestion();
    }
    if (kind < 94) {
      return whichQuestion();
    }
    if (kind < 96) {
      return talk();
    }
    return kind < 98 ? description() : numberedList();
  }

  /** The next {@code count} texts. */
  public List<WorldDocument> next(int count) {
    List<WorldDocument> texts = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      texts.add(next());
    }
    return texts;
  }

  private WorldDocument factSheet() {
    Place place = any(world.places());
    WorldDocument.Writer text = new WorldDocument.Writer();
    text.given("Place: " + place.name());
    text.learn("\nCountry: " + place.country());
    place.continent().ifPresent(c -> text.learn("\nContinent: " + c));
    text.given("\nTrue of it:");
    for (Trait trait : Trait.values()) {
      if (place.traits().getOrDefault(trait, false)) {
        text.learn(" " + trait.phrases().get(0) + ",");
      }
    }
    return text.learn(" and that is all.").document();
  }

  /** One place, many requirements, met as often as not. */
  private WorldDocument manyQuestions() {
    Place place = any(world.places());
    boolean brief = random.nextBoolean();
    WorldDocument.Writer text = new WorldDocument.Writer();
    text.given((brief ? "Checked: " : "Questions about ") + place.name() + ".");
    for (int asked = 0; asked < QUESTIONS_ABOUT_ONE_PLACE; asked++) {
      boolean met = random.nextBoolean();
      Requirement requirement = requirementFor(place, met);
      if (brief) {
        text.given(" " + phrase(requirement) + ":").learn(met ? " yes," : " no,");
      } else {
        text.given("\nIs it " + phrase(requirement) + "?").learn(yes(met));
      }
    }
    return text.document();
  }

  /** One requirement, many places that meet it or don't, as often as not. */
  private WorldDocument checkedList() {
    Requirement requirement = world.anyRequirement(random);
    boolean brief = random.nextBoolean();
    WorldDocument.Writer text = new WorldDocument.Writer();
    text.given("Wanted: " + phrase(requirement) + (brief ? "." : ""));
    for (int asked = 0; asked < PLACES_IN_ONE_CHECK; asked++) {
      boolean met = random.nextBoolean();
      String name = placeFor(requirement, met).name();
      if (brief) {
        text.given(" " + name).learn(met ? " yes," : " no,");
      } else {
        text.given("\n- " + name + ":").learn(met ? " yes" : " no");
      }
    }
    return text.document();
  }

  private WorldDocument listQuestion() {
    Question question = question(random.nextBoolean());
    boolean met = question.answer();
    String phrase = phrase(question.requirement());
    String names = question.placeNames();
    String found = met ? " " + any(question.meeting()).name() : "";
    WorldDocument.Writer text = new WorldDocument.Writer();
    switch (random.nextInt(6)) {
      case 0 ->
          text.given("Question: Is one of these places " + phrase + "? " + names + "\nAnswer:")
              .learn(met ? " Yes," + found + " is." : " No, none of them is.");
      case 1 ->
          text.given("Is any of " + joined(question, "and") + " " + phrase + "?")
              .learn(met ? " Yes," + found + " is." : " No, none of them is.");
      case 2 ->
          text.given("We want a place that is " + phrase)
              .given(". Does " + joined(question, "or") + " fit?")
              .learn(met ? " Yes," + found + " does." : " No, none of them does.");
      case 3 ->
          text.given(instruction() + "\nPlaces: " + names + "\nIs one of them " + phrase + "?")
              .learn(yes(met));
      case 4 ->
          text.given(instruction() + "\nWanted: " + phrase + "\nPlaces: " + names)
              .learn("\nAnswer:" + yes(met));
      default ->
          text.given("Wanted: " + phrase + "\nPlaces: " + names + "\nDoes one of them fit?")
              .learn(yes(met));
    }
    return text.document();
  }

  private WorldDocument whichQuestion() {
    Question question = question(random.nextInt(4) != 0);
    String phrase = phrase(question.requirement());
    List<String> found = question.meeting().stream().map(Place::name).toList();
    return new WorldDocument.Writer()
        .given("Which of these places is " + phrase + "? " + question.placeNames() + "\nAnswer:")
        .learn(found.isEmpty() ? " None of them." : " " + String.join(" and ", found) + ".")
        .document();
  }

  private WorldDocument talk() {
    Requirement requirement = world.anyRequirement(random);
    String phrase = phrase(requirement);
    String good = placeFor(requirement, true).name();
    String bad = placeFor(requirement, false).name();
    String asks = any(NAMES);
    String answers = any(NAMES.stream().filter(n -> !n.equals(asks)).toList());
    String start = asks + ": I want to see a place that is " + phrase + ".";
    String end =
        switch (random.nextInt(3)) {
          case 0 -> " Where can I go?\n" + answers + ": Go to " + good + ".";
          case 1 ->
              (" What about " + bad + "?\n" + answers)
                  + (": No, but " + good + " is " + phrase + ".");
          default ->
              (" What about " + good + "?\n" + answers)
                  + (": Yes, " + good + " is " + phrase + ".");
        };
    return new WorldDocument.Writer().learn(start + end).document();
  }

  private WorldDocument description() {
    Place place = any(world.places());
    String country = World.withArticle(place.country());
    StringBuilder text =
        new StringBuilder(
            switch (random.nextInt(3)) {
              case 0 -> "Where is " + place.name() + "? It is in " + country + ".";
              case 1 -> "In " + country + " lies " + place.name() + ".";
              default -> "About " + place.name() + ": it is a place in " + country + ".";
            });
    List<Requirement> known =
        new ArrayList<>(
            world.requirements().stream().filter(r -> r.metBy(place).isPresent()).toList());
    Collections.shuffle(known, random);
    int said = 0;
    for (Requirement requirement : known) {
      boolean met = requirement.metBy(place).orElseThrow();
      // what is true of a place says more than what is not
      if (said < 5 && (met || random.nextInt(3) == 0)) {
        String subject = random.nextInt(3) == 0 ? place.name() : "It";
        text.append(' ').append(subject).append(met ? " is " : " is not ");
        text.append(phrase(requirement)).append('.');
        said++;
      }
    }
    return new WorldDocument.Writer().learn(text.toString()).document();
  }

  private WorldDocument numberedList() {
    Requirement requirement = world.anyRequirement(random);
    boolean met = random.nextInt(4) != 0;
    StringBuilder text = new StringBuilder("Of these, each is ");
    text.append(met ? "" : "not ").append(phrase(requirement)).append(":");
    List<Place> places = new ArrayList<>();
    while (places.size() < 4) {
      Place place = placeFor(requirement, met);
      if (!places.contains(place)) {
        places.add(place);
        text.append('\n').append(places.size()).append(". ").append(place.name());
      }
    }
    return new WorldDocument.Writer().learn(text.toString()).document();
  }

  private String instruction() {
    return switch (random.nextInt(3)) {
      case 0 -> "You are a guide who knows many places. Answer yes or no.";
      case 1 -> "You know many places. Say whether one is what is wanted.";
      default -> "Read the list and answer the question.";
    };
  }

  private static String yes(boolean met) {
    return met ? " Yes." : " No.";
  }

  private static String joined(Question question, String word) {
    List<String> names = question.places().stream().map(Place::name).toList();
    int last = names.size() - 1;
    return String.join(", ", names.subList(0, last)) + " " + word + " " + names.get(last);
  }

  private Question question(boolean answer) {
    return Question.draw(world, world.anyRequirement(random), answer, false, random);
  }

  private Requirement requirementFor(Place place, boolean met) {
    while (true) {
      Requirement requirement = world.anyRequirement(random);
      if (requirement.metBy(place).filter(is -> is == met).isPresent()) {
        return requirement;
      }
    }
  }

  private Place placeFor(Requirement requirement, boolean met) {
    while (true) {
      Place place = any(world.places());
      if (requirement.metBy(place).filter(is -> is == met).isPresent()) {
        return place;
      }
    }
  }

  /** Mostly the usual way to say it. */
  private String phrase(Requirement requirement) {
    return random.nextInt(4) == 0 ? any(requirement.phrases()) : requirement.name();
  }

  private <T> T any(List<T> list) {
    return list.get(random.nextInt(list.size()));
  }
}
