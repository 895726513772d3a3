package io.github.lora4j.examples.world;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class WorldTextTest {

  private static final Pattern LIST_WITH_VERDICT =
      Pattern.compile("Wanted: (.+)\nPlaces: (.+)\n(?:.*[?:] )(Yes|No)\\.");
  private static final Pattern LISTED_QUESTION =
      Pattern.compile("Is one of these places (.+)\\? (.+)\nAnswer: (Yes|No),");
  private static final Pattern CHECKED = Pattern.compile("Wanted: (.+)((?:\n- .+: (?:yes|no))+)\n");
  private static final Pattern SENTENCE = Pattern.compile("([A-Z][\\p{L} ]*?) is (not )?(.+)\\.");

  private static final World WORLD = World.load();
  private static final List<WorldDocument> DOCUMENTS = new WorldText(WORLD, 42).next(6_000);
  private static final List<String> TEXTS = DOCUMENTS.stream().map(WorldDocument::text).toList();
  private final Map<String, Requirement> byPhrase = new HashMap<>();
  private final Map<String, Place> byName = new HashMap<>();

  @BeforeEach
  void index() {
    WORLD.requirements().forEach(r -> r.phrases().forEach(phrase -> byPhrase.put(phrase, r)));
    WORLD.places().forEach(place -> byName.put(place.name(), place));
  }

  @Test
  void areTheSameForTheSameSeedOnly() {
    assertThat(new WorldText(WORLD, 42).next(500)).isEqualTo(DOCUMENTS.subList(0, 500));
    assertThat(new WorldText(WORLD, 43).next(500)).isNotEqualTo(DOCUMENTS.subList(0, 500));
  }

  @Test
  void nameEveryPlace() {
    String all = String.join("\n", TEXTS);
    assertThat(byName.keySet()).allSatisfy(name -> assertThat(all).contains(name));
  }

  @Test
  void neverAnswerWithTheDigitsOfTheTask() {
    assertThat(TEXTS).noneMatch(text -> text.matches("(?s).*[10](?!\\. ).*"));
  }

  @Test
  void answerListsRightAndNeverAskWhatIsHeldOut() {
    int checked = 0;
    for (String text : TEXTS) {
      for (Pattern pattern : List.of(LIST_WITH_VERDICT, LISTED_QUESTION)) {
        Matcher matcher = pattern.matcher(text);
        if (matcher.find()) {
          List<Place> places =
              Arrays.stream(matcher.group(2).split(", ")).map(byName::get).toList();
          Question question = new Question(byPhrase.get(matcher.group(1)), places);
          assertThat(question.answer()).as(text).isEqualTo(matcher.group(3).equals("Yes"));
          assertThat(question.heldOut()).as(text).isFalse();
          checked++;
        }
      }
    }
    assertThat(checked).isGreaterThan(500);
  }

  @Test
  void checkListsPlaceByPlace() {
    int checked = 0;
    for (String text : TEXTS) {
      Matcher matcher = CHECKED.matcher(text);
      if (matcher.find()) {
        Requirement requirement = byPhrase.get(matcher.group(1));
        List<Place> places = new ArrayList<>();
        for (String line : matcher.group(2).strip().split("\n")) {
          String[] sides = line.substring(2).split(": ");
          Place place = byName.get(sides[0]);
          if (place != null) {
            assertThat(requirement.metBy(place)).as(text).contains(sides[1].equals("yes"));
            places.add(place);
          }
        }
        assertThat(places).as("longer than the list of any question").hasSizeGreaterThan(4);
        checked++;
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
          .allMatch(part -> part.text().matches("(?s)[ \\n.].*"));
    }
  }

  @Test
  void stateNothingButFacts() {
    int checked = 0;
    for (String text : TEXTS) {
      for (String sentence : text.split("(?<=\\.) |\n")) {
        Matcher matcher = SENTENCE.matcher(sentence);
        if (matcher.matches()
            && byName.containsKey(matcher.group(1))
            && byPhrase.containsKey(matcher.group(3))) {
          boolean said = matcher.group(2) == null;
          assertThat(byPhrase.get(matcher.group(3)).metBy(byName.get(matcher.group(1))))
              .as(sentence)
              .contains(said);
          checked++;
        }
      }
    }
    assertThat(checked).isGreaterThan(100);
  }
}
