package io.github.lora4j.peft;

import io.github.lora4j.tensor.Tensor;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;

/**
 * What a table's update must look like.
 *
 * @param module the table's name
 * @param r the rank that the configuration gives it
 * @param vocab its rows
 * @param dim their size
 * @param dora whether there is a magnitude
 */
record ExpectedTable(String module, int r, int vocab, int dim, boolean dora)
    implements ExpectedUpdate {

  @Override
  public Map<String, List<Long>> shapes(Set<String> there) {
    Map<String, List<Long>> shapes = new LinkedHashMap<>();
    shapes.put(module + EmbeddingUpdate.A, List.of((long) r, (long) vocab));
    shapes.put(module + EmbeddingUpdate.B, List.of((long) dim, (long) r));
    if (dora) {
      shapes.put(module + LoraWeights.MAGNITUDE, List.of((long) dim));
    }
    return shapes;
  }

  @Override
  public LoraWeights read(Set<String> there, Function<String, Tensor> tensor) {
    LoraWeights weights =
        new LoraWeights(
            tensor.apply(module + EmbeddingUpdate.A), tensor.apply(module + EmbeddingUpdate.B));
    return dora ? weights.withMagnitude(tensor.apply(module + LoraWeights.MAGNITUDE)) : weights;
  }
}
