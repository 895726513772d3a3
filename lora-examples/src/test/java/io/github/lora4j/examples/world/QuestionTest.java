package io.github.lora4j.examples.world;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class QuestionTest {

  private final World world = World.load();

  private Place place(String name) {
    return world.places().stream().filter(p -> p.name().equals(name)).findFirst().orElseThrow();
  }

  @Test
  void isAnsweredByThePlaces() {
    assertThat(new Question(Trait.SEA, List.of(place("Madrid"), place("Tokyo"))).answer()).isTrue();
    assertThat(new Question(Trait.SEA, List.of(place("Madrid"), place("Quito"))).answer())
        .isFalse();
  }

  @Test
  void asksTheSameInAnyOrder() {
    Question one = new Question(Trait.SEA, List.of(place("Madrid"), place("Tokyo")));
    Question other = new Question(Trait.SEA, List.of(place("Tokyo"), place("Madrid")));
    assertThat(one.key()).isEqualTo(other.key());
    assertThat(one.heldOut()).isEqualTo(other.heldOut());
  }

  @Test
  void isHeldOutAboutOnceInEight() {
    int heldOut = 0;
    int all = 0;
    for (Trait trait : Trait.values()) {
      for (int i = 0; i < world.places().size(); i++) {
        for (int j = 0; j < i; j++) {
          all++;
          List<Place> pair = List.of(world.places().get(i), world.places().get(j));
          heldOut += new Question(trait, pair).heldOut() ? 1 : 0;
        }
      }
    }
    assertThat((double) heldOut / all).isBetween(0.11, 0.14);
  }

  @Test
  void isDrawnWithTheAnswerAndFromThePartAskedFor() {
    Random random = new Random(5);
    for (Trait trait : Trait.values()) {
      for (boolean answer : new boolean[] {true, false}) {
        for (boolean heldOut : new boolean[] {true, false}) {
          for (int i = 0; i < 50; i++) {
            Question question = Question.draw(world, trait, answer, heldOut, random);
            assertThat(question.answer()).isEqualTo(answer);
            assertThat(question.heldOut()).isEqualTo(heldOut);
            assertThat(question.places()).hasSizeBetween(2, 3).doesNotHaveDuplicates();
          }
        }
      }
    }
  }
}
