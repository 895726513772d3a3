package io.github.lora4j.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunCheckpointsTest {

  @TempDir private Path out;

  private final ToyModel model = new ToyModel(0.0);

  @AfterEach
  void closeModel() {
    model.close();
  }

  private RunCheckpoints writer(int limit) {
    TrainingArguments args =
        TrainingArguments.builder().outputDir(out.resolve("run")).saveTotalLimit(limit).build();
    return new RunCheckpoints(model, args, StepPlan.of(10, args));
  }

  private static TrainerState atStep(int step) {
    return new TrainerState(step, 100, step / 10.0, 3, List.of());
  }

  private List<String> names() throws IOException {
    try (Stream<Path> entries = Files.list(out.resolve("run"))) {
      return entries.map(p -> p.getFileName().toString()).sorted().collect(Collectors.toList());
    }
  }

  @Test
  void aCheckpointHoldsTheModelAndTheState() throws IOException {
    Path folder = writer(1).save(atStep(7), RunTotals.NONE);

    assertThat(folder).isEqualTo(out.resolve("run/checkpoint-7"));
    assertThat(folder.resolve("toy.txt")).exists();
    assertThat(folder.resolve("trainer_state.json")).content().contains("\"global_step\": 7");
    assertThat(names()).containsExactly("checkpoint-7");
  }

  @Test
  void aCheckpointOfAnEarlierRunIsReplaced() throws IOException {
    Path folder = writer(5).save(atStep(7), RunTotals.NONE);
    Files.writeString(folder.resolve("toy.txt"), "old");
    Files.writeString(folder.resolve("left-over.txt"), "old");

    writer(5).save(atStep(7), RunTotals.NONE);

    assertThat(folder.resolve("toy.txt")).content().isNotEqualTo("old");
    assertThat(folder.resolve("left-over.txt")).doesNotExist();
    assertThat(names()).containsExactly("checkpoint-7");
  }

  @Test
  void aFailureLeavesWhatWasThereAndNothingElse() throws IOException {
    Path folder = writer(5).save(atStep(7), RunTotals.NONE);
    String before = Files.readString(folder.resolve("toy.txt"));
    model.close();

    assertThatThrownBy(() -> writer(5).save(atStep(7), RunTotals.NONE))
        .isInstanceOf(IllegalStateException.class);

    assertThat(names()).containsExactly("checkpoint-7");
    assertThat(folder.resolve("toy.txt")).hasContent(before);
  }

  @Test
  void anOutputFolderThatCannotBeMadeIsNamed() throws IOException {
    Files.writeString(out.resolve("run"), "a file is in the way");

    assertThatThrownBy(() -> writer(5).save(atStep(7), RunTotals.NONE))
        .isInstanceOf(UncheckedIOException.class)
        .hasMessageContaining("checkpoint-7");
  }

  @Test
  void theOldestGoFirstAndNeverTheNewest() throws IOException {
    // An earlier run went further: its number is higher, but it is the oldest.
    writer(5).save(atStep(900), RunTotals.NONE);
    age("checkpoint-900", 2000);
    writer(5).save(atStep(10), RunTotals.NONE);
    age("checkpoint-10", 3000);

    writer(2).save(atStep(20), RunTotals.NONE);
    assertThat(names()).containsExactly("checkpoint-10", "checkpoint-20");

    writer(1).save(atStep(5), RunTotals.NONE);
    assertThat(names()).containsExactly("checkpoint-5");
  }

  private void age(String name, long seconds) throws IOException {
    Files.setLastModifiedTime(
        out.resolve("run").resolve(name).resolve("trainer_state.json"),
        FileTime.fromMillis(seconds * 1000));
  }

  @Test
  void whatNoTrainerWroteIsLeftAlone() throws IOException {
    Path mine = Files.createDirectories(out.resolve("run/checkpoint-1"));
    Files.writeString(mine.resolve("notes.txt"), "mine");

    writer(1).save(atStep(2), RunTotals.NONE);

    assertThat(mine.resolve("notes.txt")).exists();
  }

  @Test
  void whatAKilledRunLeftHalfWrittenIsOverwritten() throws IOException {
    Path partial = Files.createDirectories(out.resolve("run/.checkpoint-3.partial/sub"));
    Files.writeString(partial.resolve("half.bin"), "half");

    Path folder = writer(1).save(atStep(3), RunTotals.NONE);

    assertThat(folder.resolve("sub")).doesNotExist();
    assertThat(names()).containsExactly("checkpoint-3");
  }
}
