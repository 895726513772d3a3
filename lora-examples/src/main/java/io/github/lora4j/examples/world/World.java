package io.github.lora4j.examples.world;

import io.github.lora4j.dataset.Datasets;
import io.github.lora4j.dataset.Row;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * A few real places whose traits nobody disputes.
 *
 * @param places in the order of the file
 */
public record World(List<Place> places) {

  /** Copies the list. */
  public World {
    places = List.copyOf(places);
  }

  /** Reads the world from {@code places.csv} beside this class. */
  public static World load() {
    try (InputStream in = World.class.getResourceAsStream("places.csv")) {
      if (in == null) {
        throw new IllegalStateException("places.csv is missing from the jar");
      }
      Path file = Files.createTempFile("places", ".csv");
      try {
        Files.write(file, in.readAllBytes());
        return new World(Datasets.csv(file).stream().map(World::place).toList());
      } finally {
        Files.delete(file);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The places of which a trait is true, or false. */
  List<Place> places(Trait trait, boolean is) {
    return places.stream().filter(place -> place.is(trait) == is).toList();
  }

  private static Place place(Row row) {
    Set<Trait> traits = EnumSet.noneOf(Trait.class);
    for (Trait trait : Trait.values()) {
      String column = trait.name().toLowerCase(Locale.ROOT);
      switch (row.get(column)) {
        case "yes" -> traits.add(trait);
        case "no" -> {}
        default -> throw row.error(column, "expected yes or no");
      }
    }
    return new Place(row.get("place"), traits);
  }
}
