package io.github.lora4j.train;

import io.github.lora4j.model.PreTrainedModel;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Saves {@code checkpoint-<step>} folders and removes the oldest beyond a limit.
 *
 * <p>A checkpoint is written under another name and moved into place when it is complete, so a
 * folder with a checkpoint's name always holds a whole one.
 */
final class RunCheckpoints {

  private static final Pattern NAME = Pattern.compile("checkpoint-(\\d+)");

  private final PreTrainedModel model;
  private final TrainingArguments args;
  private final StepPlan plan;

  RunCheckpoints(PreTrainedModel model, TrainingArguments args, StepPlan plan) {
    this.model = model;
    this.args = args;
    this.plan = plan;
  }

  /**
   * Saves the model and the state.
   *
   * @return the checkpoint's folder
   */
  Path save(TrainerState state, RunTotals totals) {
    Path folder = args.outputDir().resolve("checkpoint-" + state.globalStep());
    Path partial = hidden(folder, "partial");
    try {
      Files.createDirectories(args.outputDir());
      deleteTree(partial);
      Files.createDirectory(partial);
      try {
        model.savePretrained(partial);
        TrainerStateFile.write(partial, state, totals, args, plan);
        moveInto(partial, folder);
      } catch (IOException | RuntimeException e) {
        deleteAfter(e, partial);
        throw e;
      }
      rotate(folder);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot save the checkpoint " + folder, e);
    }
    return folder;
  }

  private static Path hidden(Path folder, String suffix) {
    return folder.resolveSibling("." + folder.getFileName() + "." + suffix);
  }

  /**
   * A checkpoint of the same step, from an earlier run, goes only once ours stands in its place.
   */
  private static void moveInto(Path partial, Path folder) throws IOException {
    if (!Files.exists(folder)) {
      Files.move(partial, folder);
      return;
    }
    Path replaced = hidden(folder, "replaced");
    deleteTree(replaced);
    Files.move(folder, replaced);
    try {
      Files.move(partial, folder);
    } catch (IOException e) {
      Files.move(replaced, folder);
      throw e;
    }
    deleteTree(replaced);
  }

  private void rotate(Path newest) throws IOException {
    if (args.saveTotalLimit().isEmpty()) {
      return;
    }
    List<Path> others = new ArrayList<>();
    try (Stream<Path> entries = Files.list(args.outputDir())) {
      entries.filter(path -> !path.equals(newest) && isCheckpoint(path)).forEach(others::add);
    }
    List<Path> oldestFirst = sortedByAge(others);
    int excess = others.size() + 1 - args.saveTotalLimit().getAsInt();
    for (Path path : oldestFirst.subList(0, Math.max(0, Math.min(excess, oldestFirst.size())))) {
      deleteTree(path);
    }
  }

  /** Only what a trainer wrote is a checkpoint, whatever else carries such a name. */
  private static boolean isCheckpoint(Path path) {
    return NAME.matcher(path.getFileName().toString()).matches()
        && Files.isRegularFile(path.resolve(TrainerStateFile.NAME));
  }

  private static List<Path> sortedByAge(List<Path> checkpoints) throws IOException {
    record Aged(Path path, FileTime written, String step) {}
    List<Aged> aged = new ArrayList<>();
    for (Path path : checkpoints) {
      String step = path.getFileName().toString().replaceAll("\\D", "");
      FileTime written = Files.getLastModifiedTime(path.resolve(TrainerStateFile.NAME));
      aged.add(new Aged(path, written, step));
    }
    return aged.stream()
        .sorted(
            Comparator.comparing(Aged::written)
                .thenComparing(a -> a.step().length())
                .thenComparing(Aged::step))
        .map(Aged::path)
        .toList();
  }

  private static void deleteAfter(Exception failure, Path partial) {
    try {
      deleteTree(partial);
    } catch (IOException e) {
      failure.addSuppressed(e);
    }
  }

  /** Deletes a folder with what is in it; links are deleted, not followed. */
  private static void deleteTree(Path root) throws IOException {
    if (!Files.exists(root, java.nio.file.LinkOption.NOFOLLOW_LINKS)) {
      return;
    }
    List<Path> deepestFirst;
    try (Stream<Path> tree = Files.walk(root)) {
      deepestFirst = tree.sorted(Comparator.reverseOrder()).toList();
    }
    for (Path path : deepestFirst) {
      Files.delete(path);
    }
  }
}
