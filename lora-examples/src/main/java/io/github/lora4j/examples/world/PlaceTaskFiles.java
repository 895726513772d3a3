package io.github.lora4j.examples.world;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** Writes the CSV files of the quickstart; the committed ones were made by it. */
public final class PlaceTaskFiles {

  private static final int TRAINING_ROWS = 480;
  private static final int TEST_ROWS = 200;

  private PlaceTaskFiles() {}

  /** The lines of each file by its name. */
  public static Map<String, List<String>> contents() {
    World world = World.load();
    return Map.of(
        "places-train.csv", PlaceTask.csv(world, TRAINING_ROWS, false, 1),
        "places-test.csv", PlaceTask.csv(world, TEST_ROWS, true, 2));
  }

  /**
   * Runs it: {@code PlaceTaskFiles FOLDER}.
   *
   * @param args the folder to write to
   */
  public static void main(String[] args) throws IOException {
    if (args.length != 1) {
      throw new IllegalArgumentException("Arguments: FOLDER");
    }
    Path folder = Files.createDirectories(Path.of(args[0]));
    for (Map.Entry<String, List<String>> file : contents().entrySet()) {
      Files.writeString(folder.resolve(file.getKey()), String.join("\n", file.getValue()) + "\n");
    }
  }
}
