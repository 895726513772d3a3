package io.github.lora4j.examples.world;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/**
 * Writes short texts about the world to pretrain on: descriptions, questions, talks and lists.
 *
 * <p>Everything it says is true. It never writes a held-out {@link Question}, and nowhere does it
 * answer with the digits 1 and 0, as the fine-tuning task will.
 */
public final class WorldText {

  private static final List<String> NAMES =
      List.of("Anna", "Ben", "Chloe", "David", "Emma", "Felix", "Grace", "Hugo");

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
  public String next() {
    int kind = random.nextInt(100);
    if (kind < 15) {
      return factSheet();
    }
    if (kind < 30) {
      return manyQuestions();
    }
    if (kind < 50) {
      return checkedList();
    }
    if (kind < 80) {
      return listQuestion();
    }
    if (kind < 85) {
      return singleQuestion();
    }
    if (kind < 90) {
      return description();
    }
    if (kind < 93) {
      return whichQuestion();
    }
    if (kind < 96) {
      return talk();
    }
    return kind < 98 ? numberedList() : comparison();
  }

  /** The next {@code count} texts. */
  public List<String> next(int count) {
    List<String> texts = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      texts.add(next());
    }
    return texts;
  }

  private String factSheet() {
    Place place = any(world.places());
    StringBuilder text = new StringBuilder("Place: ").append(place.name());
    text.append("\nCountry: ").append(place.country());
    place.continent().ifPresent(c -> text.append("\nContinent: ").append(c));
    for (Trait trait : Trait.values()) {
      Boolean met = place.traits().get(trait);
      if (met != null) {
        text.append('\n').append(any(trait.phrases())).append(": ").append(met ? "yes" : "no");
      }
    }
    return text.toString();
  }

  private String manyQuestions() {
    Place place = any(world.places());
    StringBuilder text = new StringBuilder("Questions about ").append(place.name()).append(".");
    for (int i = 0; i < 5; i++) {
      Requirement requirement = world.anyRequirement(random);
      requirement
          .metBy(place)
          .ifPresent(
              met ->
                  text.append("\nIs it ")
                      .append(any(requirement.phrases()))
                      .append("? ")
                      .append(yes(met)));
    }
    return text.toString();
  }

  private String checkedList() {
    Question question = question(random.nextBoolean());
    StringBuilder text = new StringBuilder("Wanted: ");
    text.append(any(question.requirement().phrases()));
    for (Place place : question.places()) {
      boolean met = question.requirement().metBy(place).orElseThrow();
      text.append("\n- ").append(place.name()).append(": ").append(met ? "yes" : "no");
    }
    return text.append("\nDoes one of them fit? ").append(yes(question.answer())).toString();
  }

  private String description() {
    Place place = any(world.places());
    List<String> sentences = new ArrayList<>();
    String country = World.withArticle(place.country());
    String in =
        place.continent().filter(c -> random.nextBoolean()).map(c -> ", in " + c).orElse("");
    sentences.add(
        switch (random.nextInt(3)) {
          case 0 -> "Where is " + place.name() + "? It is in " + country + in + ".";
          case 1 -> "In " + country + in + " lies " + place.name() + ".";
          default -> "About " + place.name() + ": it is a place in " + country + in + ".";
        });
    List<Requirement> known = new ArrayList<>(answerable(place));
    Collections.shuffle(known, random);
    int said = 0;
    for (Requirement requirement : known) {
      boolean met = requirement.metBy(place).orElseThrow();
      // what is true of a place says more than what is not
      if (said < 5 && (met || random.nextInt(3) == 0)) {
        String subject = random.nextInt(3) == 0 ? place.name() : "It";
        sentences.add(subject + (met ? " is " : " is not ") + any(requirement.phrases()) + ".");
        said++;
      }
    }
    return String.join(" ", sentences);
  }

  private String singleQuestion() {
    Requirement requirement = world.anyRequirement(random);
    Place place = placeFor(requirement, random.nextBoolean());
    boolean met = requirement.metBy(place).orElseThrow();
    String phrase = any(requirement.phrases());
    String name = place.name();
    String sentence = name + (met ? " is " : " is not ") + phrase + ".";
    return switch (random.nextInt(5)) {
      case 0 -> "Question: Is " + name + " " + phrase + "?\nAnswer: " + yes(met);
      case 1 -> "Is " + name + " " + phrase + "? " + (met ? "Yes, " : "No, ") + sentence;
      case 2 -> "True or false: " + name + " is " + phrase + ". " + (met ? "True." : "False.");
      case 3 -> instruction() + "\nPlace: " + name + "\nIs it " + phrase + "?\n" + yes(met);
      default -> "Wanted: " + phrase + "\nPlace: " + name + "\n" + yes(met);
    };
  }

  private String listQuestion() {
    Question question = question(random.nextBoolean());
    boolean met = question.answer();
    String phrase = any(question.requirement().phrases());
    String names = question.placeNames();
    String found = met ? any(question.meeting()).name() : "";
    String reason = met ? "Yes, " + found + " is." : "No, none of them is.";
    return switch (random.nextInt(6)) {
      case 0 -> "Question: Is one of these places " + phrase + "? " + names + "\nAnswer: " + reason;
      case 1 -> "Is any of " + joined(question, "and") + " " + phrase + "? " + reason;
      case 2 ->
          "We want a place that is "
              + phrase
              + ". Does "
              + joined(question, "or")
              + " fit? "
              + (met ? "Yes, " + found + " does." : "No, none of them does.");
      case 3 ->
          instruction() + "\nPlaces: " + names + "\nIs one of them " + phrase + "?\n" + yes(met);
      case 4 -> instruction() + "\nWanted: " + phrase + "\nPlaces: " + names + "\n" + yes(met);
      default -> "Wanted: " + phrase + "\nPlaces: " + names + "\nDoes one of them fit? " + yes(met);
    };
  }

  private String whichQuestion() {
    Question question = question(random.nextInt(4) != 0);
    String phrase = any(question.requirement().phrases());
    List<String> found = question.meeting().stream().map(Place::name).toList();
    return "Which of these places is "
        + phrase
        + "? "
        + question.placeNames()
        + "\nAnswer: "
        + (found.isEmpty() ? "None of them." : String.join(" and ", found) + ".");
  }

  private String talk() {
    Requirement requirement = world.anyRequirement(random);
    String phrase = any(requirement.phrases());
    Place good = placeFor(requirement, true);
    Place bad = placeFor(requirement, false);
    String asks = any(NAMES);
    String answers = any(NAMES.stream().filter(n -> !n.equals(asks)).toList());
    String start = asks + ": I want to see a place that is " + phrase + ". ";
    return switch (random.nextInt(3)) {
      case 0 -> start + "Where can I go?\n" + answers + ": Go to " + good.name() + ".";
      case 1 ->
          start
              + "What about "
              + bad.name()
              + "?\n"
              + answers
              + ": No, but "
              + good.name()
              + " is "
              + phrase
              + ".";
      default ->
          start
              + "What about "
              + good.name()
              + "?\n"
              + answers
              + ": Yes, "
              + good.name()
              + " is "
              + phrase
              + ".";
    };
  }

  private String numberedList() {
    Requirement requirement = world.anyRequirement(random);
    boolean met = random.nextInt(4) != 0;
    StringBuilder text = new StringBuilder("Some places that are ");
    text.append(met ? "" : "not ").append(in(requirement)).append(":");
    List<Place> places = new ArrayList<>();
    while (places.size() < 4) {
      Place place = placeFor(requirement, met);
      if (!places.contains(place)) {
        places.add(place);
        text.append('\n').append(places.size()).append(". ").append(place.name());
      }
    }
    return text.toString();
  }

  private String comparison() {
    Requirement requirement = world.anyRequirement(random);
    String phrase = any(requirement.phrases());
    Place first = placeFor(requirement, random.nextBoolean());
    Place second = placeFor(requirement, random.nextBoolean());
    boolean one = requirement.metBy(first).orElseThrow();
    boolean other = requirement.metBy(second).orElseThrow();
    String start = "Compared: " + first.name() + (one ? " is " : " is not ") + phrase + ", ";
    if (one == other) {
      return start + (one ? "and so is " : "and neither is ") + second.name() + ".";
    }
    return start + "but " + second.name() + (other ? " is." : " is not.");
  }

  private String instruction() {
    return switch (random.nextInt(3)) {
      case 0 -> "You are a guide who knows many places. Answer yes or no.";
      case 1 -> "You know many places. Say whether one is what is wanted.";
      default -> "Read the list and answer the question.";
    };
  }

  private static String in(Requirement requirement) {
    return requirement.phrases().get(0).replace("a capital city", "capital cities");
  }

  private static String yes(boolean met) {
    return met ? "Yes." : "No.";
  }

  private static String joined(Question question, String word) {
    List<String> names = question.places().stream().map(Place::name).toList();
    int last = names.size() - 1;
    return String.join(", ", names.subList(0, last)) + " " + word + " " + names.get(last);
  }

  private Question question(boolean answer) {
    return Question.draw(world, world.anyRequirement(random), answer, false, random);
  }

  private Place placeFor(Requirement requirement, boolean met) {
    while (true) {
      Place place = any(world.places());
      if (requirement.metBy(place).filter(is -> is == met).isPresent()) {
        return place;
      }
    }
  }

  private List<Requirement> answerable(Place place) {
    return world.requirements().stream().filter(r -> r.metBy(place).isPresent()).toList();
  }

  private <T> T any(List<T> list) {
    return list.get(random.nextInt(list.size()));
  }
}
