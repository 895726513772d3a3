package io.github.lora4j.examples.world;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * A short text in parts: what nobody could foresee, and what follows from it and from the facts.
 *
 * <p>Which place a question is about is chance, and predicting it teaches nothing; its answer is
 * worth learning.
 *
 * @param parts the parts in order; words begin with their space, so that parts fall between tokens
 */
public record WorldDocument(List<Part> parts) {

  /**
   * A piece of text.
   *
   * @param text the characters
   * @param learn whether a model should learn to predict it
   */
  public record Part(String text, boolean learn) {}

  /** Copies the parts. */
  public WorldDocument {
    parts = List.copyOf(parts);
  }

  /** The whole text. */
  public String text() {
    return parts.stream().map(Part::text).collect(Collectors.joining());
  }

  /** Collects parts. */
  static final class Writer {
    private final List<Part> parts = new ArrayList<>();

    Writer given(String text) {
      parts.add(new Part(text, false));
      return this;
    }

    Writer learn(String text) {
      parts.add(new Part(text, true));
      return this;
    }

    WorldDocument document() {
      return new WorldDocument(parts);
    }
  }
}
