package io.github.lora4j.peft;

import io.github.lora4j.tensor.Tensor;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;

/** Where an adapter's file has the two matrices of an update, by names without its prefix. */
interface ExpectedUpdate {

  /** What PEFT calls the module that carries the update. */
  String module();

  /**
   * The tensors that must be there.
   *
   * @param there the names in the file, which tell older ones from today's
   */
  Map<String, List<Long>> shapes(Set<String> there);

  /**
   * Reads the matrices.
   *
   * @param tensor gives a tensor of the file in float32, for the caller to close
   */
  LoraWeights read(Set<String> there, Function<String, Tensor> tensor);
}
