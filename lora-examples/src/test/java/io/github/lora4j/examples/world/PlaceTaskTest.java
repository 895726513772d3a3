package io.github.lora4j.examples.world;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class PlaceTaskTest {

  private final World world = World.load();
  private final List<String> train = PlaceTask.csv(world, 600, false, 1);
  private final List<String> test = PlaceTask.csv(world, 400, true, 2);

  @Test
  void writesTheSameRowsForTheSameSeed() {
    assertThat(PlaceTask.csv(world, 600, false, 1)).isEqualTo(train);
    assertThat(PlaceTask.csv(world, 600, false, 3)).isNotEqualTo(train);
  }

  @Test
  void writesAsManyRowsAsAskedForWithEachAnswerInHalfOfThem() {
    assertThat(train).hasSize(601).startsWith("requirement,places,answer");
    assertThat(train).filteredOn(line -> line.endsWith(",1")).hasSize(300);
    assertThat(train).filteredOn(line -> line.endsWith(",0")).hasSize(300);
  }

  @Test
  void answersRight() {
    for (String line : train.subList(1, train.size())) {
      assertThat(question(line).answer()).as(line).isEqualTo(line.endsWith(",1"));
    }
  }

  @Test
  void keepsTrainingAndTestApartInAnyOrderOfThePlaces() {
    Set<String> trained = keys(train);
    assertThat(trained).hasSize(600);
    assertThat(keys(test)).hasSize(400).doesNotContainAnyElementsOf(trained);
    assertThat(test.subList(1, test.size())).allMatch(line -> question(line).heldOut());
  }

  private Set<String> keys(List<String> lines) {
    return lines.stream()
        .skip(1)
        .map(line -> question(line).key())
        .collect(Collectors.toCollection(TreeSet::new));
  }

  private Question question(String line) {
    Map<String, Requirement> requirements =
        world.requirements().stream()
            .collect(Collectors.toMap(Requirement::name, Function.identity()));
    Map<String, Place> places =
        world.places().stream().collect(Collectors.toMap(Place::name, Function.identity()));
    String[] cells = line.split("\"");
    return new Question(
        requirements.get(cells[0].replace(",", "")),
        List.of(cells[1].split(", ")).stream().map(places::get).toList());
  }
}
