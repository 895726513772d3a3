package io.github.lora4j.data;

import io.github.lora4j.internal.text.Suggestions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.IntStream;

/**
 * The names of classes by their ids, 0, 1, 2 and so on: {@code id2label} and {@code label2id} of a
 * {@code config.json} in one.
 *
 * @param names in the order of the ids, all different
 */
public record LabelMap(List<String> names) {

  private static final int MOST_SHOWN = 20;

  /**
   * Checks that there is a name, and none twice.
   *
   * @throws IllegalArgumentException naming what is wrong
   */
  public LabelMap {
    names = List.copyOf(names);
    if (names.isEmpty()) {
      throw new IllegalArgumentException("names is empty: a classifier needs at least one label");
    }
    Set<String> seen = new HashSet<>();
    for (String name : names) {
      if (!seen.add(name)) {
        throw new IllegalArgumentException("names holds \"" + name + "\" twice");
      }
    }
  }

  /** Names in the order of their ids. */
  public static LabelMap of(String... names) {
    return new LabelMap(Arrays.asList(names));
  }

  /**
   * As many classes without names of their own: {@code LABEL_0}, {@code LABEL_1} and so on, as
   * transformers calls them. With 1 it is what regression needs.
   *
   * @throws IllegalArgumentException if the number is less than 1
   */
  public static LabelMap ofSize(int size) {
    return new LabelMap(IntStream.range(0, size).mapToObj(id -> "LABEL_" + id).toList());
  }

  /**
   * The classes that occur in a dataset, sorted by name, so that the ids don't depend on the rows'
   * order: {@code LabelMap.from(rows, row -> row.get("label"))}.
   *
   * @throws IllegalArgumentException if there are no rows, or one has a blank name
   */
  public static <T> LabelMap from(Dataset<T> dataset, Function<? super T, String> name) {
    Set<String> sorted = new TreeSet<>();
    int index = 0;
    for (T row : dataset) {
      String found = name.apply(row);
      if (found.isBlank()) {
        throw new IllegalArgumentException(
            "row " + index + " of " + dataset + ": expected the name of a class, found none");
      }
      sorted.add(found);
      index++;
    }
    return new LabelMap(new ArrayList<>(sorted));
  }

  /**
   * What {@code id2label} of a {@code config.json} says.
   *
   * @param id2label names by id, in any order; the ids are 0, 1, 2 and so on without a gap
   * @throws IllegalArgumentException naming an id that is missing, or a name that is there twice
   */
  public static LabelMap fromId2Label(Map<Integer, String> id2label) {
    List<String> names = new ArrayList<>();
    for (int id = 0; id < id2label.size(); id++) {
      String name = id2label.get(id);
      if (name == null) {
        throw new IllegalArgumentException(
            "expected the ids 0 to " + (id2label.size() - 1) + ", found " + id2label.keySet());
      }
      names.add(name);
    }
    return new LabelMap(names);
  }

  /** The number of classes. */
  public int size() {
    return names.size();
  }

  /**
   * The name of a class.
   *
   * @throws IllegalArgumentException if there is no such id
   */
  public String name(int id) {
    if (id < 0 || id >= names.size()) {
      throw new IllegalArgumentException(
          "expected the id of a class from 0 to " + (names.size() - 1) + ", found " + id);
    }
    return names.get(id);
  }

  /** The id of a name, if it is one of these. */
  public OptionalInt find(String name) {
    int id = names.indexOf(name);
    return id < 0 ? OptionalInt.empty() : OptionalInt.of(id);
  }

  /**
   * The id of a name.
   *
   * @throws IllegalArgumentException with the known names, if it is none of these
   */
  public int id(String name) {
    return find(name)
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "no class is called \""
                        + name
                        + "\""
                        + Suggestions.didYouMean(name, names)
                        + "; known are "
                        + shown()));
  }

  /**
   * The label of a sequence that belongs to these classes, of which there may be none: {@link
   * SequenceLabels.Values} with 1 for each of them and 0 for all others.
   *
   * @throws IllegalArgumentException if a name is unknown
   */
  public SequenceLabels multiHot(Collection<String> classes) {
    float[] values = new float[size()];
    classes.forEach(name -> values[id(name)] = 1);
    return SequenceLabels.ofValues(values);
  }

  private String shown() {
    String joined = String.join(", ", names.subList(0, Math.min(MOST_SHOWN, size())));
    return size() <= MOST_SHOWN ? joined : joined + " and " + (size() - MOST_SHOWN) + " more";
  }
}
