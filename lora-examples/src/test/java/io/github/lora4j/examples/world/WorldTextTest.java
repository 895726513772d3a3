package io.github.lora4j.examples.world;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class WorldTextTest {

  private static final List<Pattern> LISTS =
      List.of(
          Pattern.compile(
              "Wanted: (?<what>.+)\nPlaces: (?<names>.+)\nDoes one of them fit\\? (?<answer>Yes|No)\\."),
          Pattern.compile(
              "Is one of these places (?<what>.+)\\? (?<names>.+)\nAnswer: (?<answer>Yes|No)\\."),
          Pattern.compile(
              "You know many places\\.\nPlaces: (?<names>.+)\nIs one of them (?<what>.+)\\? (?<answer>Yes|No)\\."),
          Pattern.compile(
              ".+ Say yes or no\\.\n\nRequirement: (?<what>.+)\nPlaces: (?<names>.+)\nAnswer:\n(?<answer>Yes|No)\\."));
  private static final Pattern FACT = Pattern.compile("It is (not )?([a-z ]+)\\.");

  private static final World WORLD = World.load();
  private static final List<WorldDocument> DOCUMENTS = new WorldText(WORLD, 42).next(3_000);
  private static final List<String> TEXTS = DOCUMENTS.stream().map(WorldDocument::text).toList();
  private static final Map<String, Trait> BY_PHRASE =
      Arrays.stream(Trait.values()).collect(Collectors.toMap(Trait::phrase, Function.identity()));
  private static final Map<String, Place> BY_NAME =
      WORLD.places().stream().collect(Collectors.toMap(Place::name, Function.identity()));

  @Test
  void areTheSameForTheSameSeedOnly() {
    assertThat(new WorldText(WORLD, 42).next(500)).isEqualTo(DOCUMENTS.subList(0, 500));
    assertThat(new WorldText(WORLD, 43).next(500)).isNotEqualTo(DOCUMENTS.subList(0, 500));
  }

  @Test
  void nameEveryPlace() {
    String all = String.join("\n", TEXTS);
    assertThat(BY_NAME.keySet()).allSatisfy(name -> assertThat(all).contains(name));
  }

  @Test
  void answerNoQuestionWithDigits() {
    assertThat(TEXTS)
        .filteredOn(text -> text.matches("(?s).*[0-9].*"))
        .isNotEmpty()
        .allMatch(text -> text.matches("Count on:(\\n[0-9]+){6}"));
  }

  @Test
  void answerListsRightAndNeverAskWhatIsHeldOut() {
    for (Pattern pattern : LISTS) {
      int checked = 0;
      for (String text : TEXTS) {
        Matcher matcher = pattern.matcher(text);
        if (matcher.matches()) {
          List<Place> places =
              Arrays.stream(matcher.group("names").split(", ")).map(BY_NAME::get).toList();
          Question question = new Question(BY_PHRASE.get(matcher.group("what")), places);
          assertThat(question.answer()).as(text).isEqualTo(matcher.group("answer").equals("Yes"));
          assertThat(question.heldOut()).as(text).isFalse();
          checked++;
        }
      }
      assertThat(checked).as(pattern.pattern()).isGreaterThan(250);
    }
  }

  @Test
  void describePlacesAsTheyAre() {
    int checked = 0;
    for (String text : TEXTS) {
      if (text.startsWith("About ")) {
        Place place = BY_NAME.get(text.substring("About ".length(), text.indexOf(':')));
        Matcher matcher = FACT.matcher(text);
        while (matcher.find()) {
          assertThat(place.is(BY_PHRASE.get(matcher.group(2))))
              .as(text)
              .isEqualTo(matcher.group(1) == null);
          checked++;
        }
      }
    }
    assertThat(checked).isGreaterThan(500);
  }

  @Test
  void haveSomethingToLearnInPartsThatBeginBetweenTokens() {
    for (WorldDocument document : DOCUMENTS) {
      assertThat(document.parts()).as(document.text()).anyMatch(WorldDocument.Part::learn);
      assertThat(document.parts().subList(1, document.parts().size()))
          .as(document.text())
          .allMatch(part -> part.text().matches("(?s)[ \\n.].*|Yes\\.|No\\."));
    }
  }
}
