package io.github.lora4j.model;

import io.github.lora4j.error.CheckpointFormatException;
import io.github.lora4j.io.Checkpoint;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * What a checkpoint calls a model's tensors: by the modules' names, by those that transformers
 * saves them under where they differ, or, in a checkpoint of the model without its head, without
 * the first part of either.
 */
final class StoredNames {

  private final Set<String> there;
  private final ModelFamily family;
  private final String prefix;
  private final StoredExperts experts;

  StoredNames(Checkpoint checkpoint, ModelFamily family, DecoderSpec spec) {
    this.there = checkpoint.names();
    this.family = family;
    String table = spec.embedding().name();
    this.prefix = table.substring(0, table.indexOf('.') + 1);
    this.experts = new StoredExperts(spec);
  }

  /** The name in the checkpoint, or the same name where the checkpoint has none. */
  String of(String name) {
    return found(name).orElse(name);
  }

  /** How many tensors the checkpoint holds. */
  int count() {
    return there.size();
  }

  /** The parts that a stacked parameter lies in; empty where the checkpoint holds it whole. */
  Optional<List<StoredExperts.Piece>> pieces(String parameter) {
    if (found(parameter).isPresent()) {
      return Optional.empty();
    }
    // A number of experts out of a file that may lie, before a list of that length is made.
    if (experts.count(parameter) > there.size()) {
      throw new CheckpointFormatException(
          "config.json has %d matrices in %s, more than the %d tensors of the checkpoint beside it"
              .formatted(experts.count(parameter), parameter, there.size()));
    }
    return experts.pieces(parameter);
  }

  private Optional<String> found(String name) {
    String stored = family.storedName(name);
    return Stream.of(name, stored, withoutPrefix(name), withoutPrefix(stored))
        .filter(there::contains)
        .findFirst();
  }

  private String withoutPrefix(String name) {
    return name.startsWith(prefix) ? name.substring(prefix.length()) : name;
  }
}
