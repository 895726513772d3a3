package io.github.lora4j.examples.world;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class QuestionTest {

  private static final Requirement SEA = new Requirement.Has(Trait.SEA);

  private final World world = World.load();

  @Test
  void isAnsweredByThePlacesThatMeetTheRequirement() {
    Question question = new Question(SEA, List.of(place("Madrid"), place("Lima")));
    assertThat(question.meeting()).containsExactly(place("Lima"));
    assertThat(question.answer()).isTrue();
    assertThat(new Question(SEA, List.of(place("Madrid"), place("Quito"))).answer()).isFalse();
  }

  @Test
  void refusesAPlaceThatPeopleCouldDisagreeAbout() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Question(SEA, List.of(place("Madrid"), place("Bangkok"))))
        .withMessageContaining("Bangkok")
        .withMessageContaining("on the sea");
  }

  @Test
  void asksTheSameInAnyOrder() {
    Question one = new Question(SEA, List.of(place("Madrid"), place("Lima")));
    Question other = new Question(SEA, List.of(place("Lima"), place("Madrid")));
    assertThat(one.key()).isEqualTo(other.key());
    assertThat(one.heldOut()).isEqualTo(other.heldOut());
  }

  @Test
  void isHeldOutAboutOnceInEight() {
    Random random = new Random(3);
    int heldOut = 0;
    for (int i = 0; i < 4000; i++) {
      List<Place> places =
          List.of(world.places().get(random.nextInt(100)), world.places().get(100 + i % 100));
      heldOut += new Question(new Requirement.InCountry("Chile"), places).heldOut() ? 1 : 0;
    }
    assertThat(heldOut).isBetween(400, 600);
  }

  @Test
  void isDrawnWithTheAnswerAndFromThePartAskedFor() {
    Random random = new Random(5);
    for (Requirement requirement : world.requirements()) {
      for (boolean answer : new boolean[] {true, false}) {
        for (boolean heldOut : new boolean[] {true, false}) {
          Question question = Question.draw(world, requirement, answer, heldOut, random);
          assertThat(question.answer()).isEqualTo(answer);
          assertThat(question.heldOut()).isEqualTo(heldOut);
          assertThat(question.places()).hasSizeBetween(2, 4).doesNotHaveDuplicates();
        }
      }
    }
  }

  private Place place(String name) {
    return world.places().stream().filter(p -> p.name().equals(name)).findFirst().orElseThrow();
  }
}
