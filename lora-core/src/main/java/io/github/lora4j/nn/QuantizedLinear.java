package io.github.lora4j.nn;

import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Tensor;
import java.util.Map;
import java.util.Optional;

/**
 * A linear layer whose weight is held in fewer bits than it is computed with: {@code
 * bitsandbytes.nn.Linear4bit} and {@code Linear8bitLt}.
 *
 * <p>It never learns. Of its weight, {@link #forEachParameter} shows only the codes, under the name
 * {@code weight}, as PyTorch counts parameters; {@link #stored} has the rest.
 */
public interface QuantizedLinear extends BiasedLinear {

  /**
   * The weight that the layer multiplies by.
   *
   * @param dtype F32, BF16 or F16
   * @return a new tensor {@code [outFeatures, inFeatures]} in the caller's scope
   */
  Tensor denseWeight(DType dtype);

  /**
   * The dtype that bitsandbytes decodes the weight to: of 4-bit codes that of the weight that was
   * coded, of LLM.int8 F32.
   */
  DType decodedDtype();

  /** Whether checkpoints store its dense weight {@code [in, out]}: transformers' {@code Conv1D}. */
  boolean isInputFirst();

  /**
   * A dense layer that can take this one's place in a checkpoint.
   *
   * @param weight {@code [outFeatures, inFeatures]}, borrowed; its dtype becomes the layer's
   * @return the layer, for the caller to close
   */
  DenseLinear withDense(Tensor weight);

  /**
   * A layer with other parameters, quantized the same way.
   *
   * @param weight {@code [outFeatures, inFeatures]}, borrowed
   * @param bias {@code [outFeatures]}, where there is one; borrowed
   * @return the layer, for the caller to close
   * @throws IllegalArgumentException if the weight is not finite
   */
  QuantizedLinear requantized(Tensor weight, Optional<Tensor> bias);

  /**
   * What a checkpoint holds of the weight: names behind the module's, such as {@code weight} and
   * {@code weight.absmax}, and tensors that stay this layer's or are made in the caller's scope.
   */
  Map<String, Tensor> stored();

  @Override
  QuantizedLinear share();
}
