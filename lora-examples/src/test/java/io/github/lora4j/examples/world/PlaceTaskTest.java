package io.github.lora4j.examples.world;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class PlaceTaskTest {

  private final World world = World.load();
  private final List<String> train = PlaceTask.csv(world, 480, false, 1);
  private final List<String> test = PlaceTask.csv(world, 200, true, 2);

  @Test
  void theCommittedFilesAreThoseThatTheProgramWrites() throws IOException {
    for (Map.Entry<String, List<String>> file : PlaceTaskFiles.contents().entrySet()) {
      assertThat(Files.readAllLines(Path.of("data").resolve(file.getKey())))
          .isEqualTo(file.getValue());
    }
  }

  @Test
  void writesAsManyRowsAsAskedForWithEachAnswerInHalfOfThem() {
    assertThat(train).hasSize(481).startsWith("requirement,places,answer");
    assertThat(train).filteredOn(line -> line.endsWith(",1")).hasSize(240);
    assertThat(train).filteredOn(line -> line.endsWith(",0")).hasSize(240);
    assertThat(PlaceTask.csv(world, 480, false, 3)).isNotEqualTo(train);
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
    assertThat(trained).hasSize(480);
    assertThat(keys(test)).hasSize(200).doesNotContainAnyElementsOf(trained);
    assertThat(test.subList(1, test.size())).allMatch(line -> question(line).heldOut());
  }

  private Set<String> keys(List<String> lines) {
    return lines.stream()
        .skip(1)
        .map(line -> question(line).key())
        .collect(Collectors.toCollection(TreeSet::new));
  }

  private Question question(String line) {
    Map<String, Trait> traits =
        Arrays.stream(Trait.values()).collect(Collectors.toMap(Trait::phrase, Function.identity()));
    Map<String, Place> places =
        world.places().stream().collect(Collectors.toMap(Place::name, Function.identity()));
    String[] cells = line.split("\"");
    return new Question(
        traits.get(cells[0].replace(",", "")),
        Arrays.stream(cells[1].split(", ")).map(places::get).toList());
  }
}
