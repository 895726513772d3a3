package io.github.lora4j.peft;

import io.github.lora4j.model.DecoderModel;
import io.github.lora4j.nn.LayerChange;
import io.github.lora4j.tensor.Tensor;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What one kind of adapter does to a model; {@link TunedModel} does the rest. */
interface Tuner extends AutoCloseable {

  /** The configuration, completed by what the model says. */
  PeftConfig config();

  /** The base seen through the adapter, which borrows both. */
  DecoderModel view(DecoderModel base);

  /**
   * What {@code adapter_model.safetensors} holds, by PEFT's names; the caller's scope's or ours.
   */
  Map<String, Tensor> tensors();

  /** The keys of {@code adapter_config.json} that not every kind of adapter has. */
  Map<String, @Nullable Object> keys();

  /** The names of the layers that the adapter stands beside, in the model's order. */
  List<String> targets();

  /**
   * Puts layers of a plain model, made now, in the place of those that the adapter changes; others
   * are shared.
   *
   * @throws io.github.lora4j.error.LoraException if no plain model computes the same
   */
  LayerChange unloading(boolean safe);

  /** Frees the adapter. */
  @Override
  void close();
}
