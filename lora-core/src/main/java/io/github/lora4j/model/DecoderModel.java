package io.github.lora4j.model;

import io.github.lora4j.nn.LayerChange;
import io.github.lora4j.nn.LinearLayer;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** A decoder with a head: what adapters wrap. */
public interface DecoderModel extends PreTrainedModel {

  /** The configuration it was made from. */
  ModelConfig config();

  /** The choices that {@link #config} stands for. */
  DecoderSpec spec();

  /** The folder it was loaded from; empty for a model made from nothing. */
  Optional<Path> source();

  /** The family that described it. */
  ModelFamily family();

  /** The class that transformers has for this kind of model, such as {@code LlamaForCausalLM}. */
  String transformersClass();

  /** All linear layers, the head last, in the model's order. */
  List<LinearLayer> linearLayers();

  /** The names of all modules, as PEFT sees them, in the model's order. */
  List<String> moduleNames();

  /** The name of the linear layer that makes the output: {@code lm_head} or {@code score}. */
  String headName();

  /**
   * A view of this model in which linear layers are replaced.
   *
   * <p>This model isn't changed. The view borrows everything: closing it frees nothing, and it must
   * not be used after this model is closed.
   *
   * @param change gives the layer to put in place of each one, or the same
   */
  DecoderModel withLinears(LayerChange change);

  /**
   * A model of its own that shares the memory of all other parameters with this one, and may
   * outlive it.
   *
   * @param change gives the layer that the new model will own in place of each one: a new one, or
   *     {@link LinearLayer#share}
   */
  DecoderModel shareWith(LayerChange change);
}
