package io.github.lora4j.examples.world;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;

/**
 * All places and all requirements that the texts and the questions are about.
 *
 * @param places the places, in the order of the file
 * @param requirements the traits, then continents, then the countries with several places
 */
public record World(List<Place> places, List<Requirement> requirements) {

  /** A country is asked about when at least this many of its places are known. */
  private static final int PLACES_TO_ASK_FOR_COUNTRY = 5;

  private static final Set<String> WITH_ARTICLE =
      Set.of("United Kingdom", "United States", "United Arab Emirates", "Maldives", "Philippines");

  /** Copies the lists. */
  public World {
    places = List.copyOf(places);
    requirements = List.copyOf(requirements);
  }

  /** Reads the world from {@code places.csv} beside this class. */
  public static World load() {
    List<Place> places = new ArrayList<>();
    try (InputStream in = World.class.getResourceAsStream("places.csv")) {
      if (in == null) {
        throw new IllegalStateException("places.csv is missing from the jar");
      }
      BufferedReader reader = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8));
      reader.readLine(); // the header
      for (String line = reader.readLine(); line != null; line = reader.readLine()) {
        places.add(place(line.split(",", -1)));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return new World(places, requirements(places));
  }

  /** Draws a requirement: a trait half of the time, else more often a continent than a country. */
  Requirement anyRequirement(Random random) {
    int dice = random.nextInt(10);
    Class<? extends Requirement> kind =
        dice < 6
            ? Requirement.Has.class
            : dice < 9 ? Requirement.OnContinent.class : Requirement.InCountry.class;
    List<Requirement> candidates = requirements.stream().filter(kind::isInstance).toList();
    return candidates.get(random.nextInt(candidates.size()));
  }

  /** The country's name as a sentence needs it: "the United States", "Peru". */
  static String withArticle(String country) {
    return WITH_ARTICLE.contains(country) ? "the " + country : country;
  }

  private static Place place(String[] cells) {
    Trait[] traits = Trait.values();
    if (cells.length != 3 + traits.length) {
      throw new IllegalStateException("places.csv: bad row " + String.join(",", cells));
    }
    Map<Trait, Boolean> known = new EnumMap<>(Trait.class);
    for (Trait trait : traits) {
      switch (cells[3 + trait.ordinal()]) {
        case "yes" -> known.put(trait, true);
        case "no" -> known.put(trait, false);
        case "?" -> {} // open to dispute: nobody will be told or asked
        default -> throw new IllegalStateException("places.csv: bad cell for " + cells[0]);
      }
    }
    Optional<String> continent = cells[2].equals("?") ? Optional.empty() : Optional.of(cells[2]);
    return new Place(cells[0], cells[1], continent, known);
  }

  private static List<Requirement> requirements(List<Place> places) {
    List<Requirement> all = new ArrayList<>();
    for (Trait trait : Trait.values()) {
      all.add(new Requirement.Has(trait));
    }
    Map<String, Integer> continents = new TreeMap<>();
    Map<String, Integer> countries = new TreeMap<>();
    for (Place place : places) {
      place.continent().ifPresent(c -> continents.merge(c, 1, Integer::sum));
      countries.merge(place.country(), 1, Integer::sum);
    }
    continents.keySet().forEach(c -> all.add(new Requirement.OnContinent(c)));
    countries.forEach(
        (country, count) -> {
          if (count >= PLACES_TO_ASK_FOR_COUNTRY) {
            all.add(new Requirement.InCountry(country));
          }
        });
    return all;
  }
}
