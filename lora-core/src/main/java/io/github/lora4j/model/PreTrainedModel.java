package io.github.lora4j.model;

import io.github.lora4j.data.Batch;
import io.github.lora4j.nn.ForwardContext;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Tensor;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** What training needs of a model, whether all of it learns or only an adapter around it. */
public interface PreTrainedModel extends AutoCloseable {

  /** The leaves that collect gradients, by name, in the model's order. They stay the model's. */
  Map<String, Tensor> trainableParameters();

  /** How many numbers the model holds, frozen ones included; tied weights count once. */
  long parameterCount();

  /** Where the parameters lie. */
  Device device();

  /** The ids that end a text, from the model's configuration; may be empty. */
  List<Integer> eosTokenIds();

  /**
   * Computes the loss and adds its gradients to the trainable parameters.
   *
   * @param batch the sequences and their labels
   * @param scale what the summed loss is multiplied by before the backward pass, such as one over
   *     the number of supervised items of the whole update: tokens, or sequences where those are
   *     labelled
   * @param context made by {@link ForwardContext#training}
   * @return the sum of the losses of all supervised items, not scaled
   */
  double lossAndBackward(Batch batch, double scale, ForwardContext context);

  /**
   * Computes the sum of the losses of all supervised items, without gradients.
   *
   * @param context usually {@link ForwardContext#eval}, with autocasting where the training has it
   */
  double loss(Batch batch, ForwardContext context);

  /** Writes what this model adds to the world into a folder: a checkpoint, or only the adapter. */
  void savePretrained(Path dir);

  @Override
  void close();
}
