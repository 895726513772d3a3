package io.github.lora4j.model;

import io.github.lora4j.tensor.Tensor;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The weights of experts as checkpoints hold them, one by one: transformers stacks them when it
 * loads a model and takes them apart when it saves one.
 */
final class StoredExperts {

  private final Map<String, Stack> stacks = new LinkedHashMap<>();

  StoredExperts(DecoderSpec spec) {
    for (int layer = 0; layer < spec.numHiddenLayers(); layer++) {
      if (spec.blocks().get(layer).mlp() instanceof MlpSpec.Experts mlp) {
        String experts = spec.inLayer(layer, mlp.experts());
        stacks.put(
            spec.inLayer(layer, mlp.gateUp()),
            new Stack(
                experts,
                mlp.count(),
                mlp.intermediateSize(),
                List.of(mlp.stored().gate(), mlp.stored().up())));
        stacks.put(
            spec.inLayer(layer, mlp.down()),
            new Stack(experts, mlp.count(), spec.hiddenSize(), List.of(mlp.stored().down())));
      }
    }
  }

  /**
   * One matrix of one expert.
   *
   * @param name of the tensor
   * @param expert which slice of the stack it is in
   * @param firstRow where it begins there
   * @param rows how many it has
   */
  record Piece(String name, int expert, long firstRow, long rows) {

    /** Its place in a stack: a view. */
    Tensor in(Tensor stack) {
      return stack.select(0, expert).narrow(0, firstRow, rows);
    }
  }

  /** The parts of a stacked parameter; empty for any other. */
  Optional<List<Piece>> pieces(String parameter) {
    return Optional.ofNullable(stacks.get(parameter)).map(Stack::pieces);
  }

  /** How many parts a stacked parameter has; 0 for any other. */
  long count(String parameter) {
    Stack stack = stacks.get(parameter);
    return stack == null ? 0 : (long) stack.experts() * stack.parts().size();
  }

  /** The same parameters with views of single experts in place of stacks, in the caller's scope. */
  Map<String, Tensor> split(Map<String, Tensor> parameters) {
    Map<String, Tensor> split = new LinkedHashMap<>();
    parameters.forEach(
        (name, tensor) ->
            pieces(name)
                .ifPresentOrElse(
                    pieces -> pieces.forEach(piece -> split.put(piece.name(), piece.in(tensor))),
                    () -> split.put(name, tensor)));
    return split;
  }

  /** A stacked parameter: matrices of equal size, those of an expert one below the other. */
  private record Stack(String module, int experts, long rows, List<String> parts) {

    List<Piece> pieces() {
      List<Piece> pieces = new ArrayList<>();
      for (int expert = 0; expert < experts; expert++) {
        for (int part = 0; part < parts.size(); part++) {
          String name = module + "." + expert + "." + parts.get(part) + ".weight";
          pieces.add(new Piece(name, expert, part * rows, rows));
        }
      }
      return pieces;
    }
  }
}
