package io.github.lora4j.model;

import io.github.lora4j.nn.EmbeddingLayer;
import io.github.lora4j.nn.KeyValuePrefix;
import io.github.lora4j.nn.LayerChange;
import io.github.lora4j.nn.LinearLayer;
import io.github.lora4j.nn.Norm;
import io.github.lora4j.nn.VirtualTokens;
import io.github.lora4j.tensor.Tensor;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
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

  /** The tables of tokens and, where they are learnt, of positions, in the model's order. */
  List<EmbeddingLayer> embeddings();

  /** All norms, in the model's order. */
  List<Norm> norms();

  /** All parameters by name, in the model's order, a tied head left out. They stay the model's. */
  Map<String, Tensor> parameters();

  @Override
  default Map<String, Tensor> trainableParameters() {
    Map<String, Tensor> parameters = parameters();
    parameters.values().removeIf(parameter -> !parameter.requiresGrad());
    return parameters;
  }

  @Override
  default long parameterCount() {
    return ParameterCount.of(parameters().values());
  }

  /** The names of all modules, as PEFT sees them, in the model's order. */
  default List<String> moduleNames() {
    return ModuleTree.names(parameters().keySet(), linearLayers());
  }

  /** The name of the linear layer that makes the output: {@code lm_head} or {@code score}. */
  String headName();

  /**
   * A view of this model in which layers are replaced: linear ones and, where the change says so,
   * routers, experts, embeddings and norms.
   *
   * <p>This model isn't changed. The view borrows everything: closing it frees nothing, and it must
   * not be used after this model is closed.
   *
   * @param change gives the layer to put in place of each one, or the same
   */
  DecoderModel withLinears(LayerChange change);

  /**
   * A view of this model whose stack consists of some of its layers, in an order, any of them as
   * often as it is named: what PEFT's {@code layer_replication} computes with.
   *
   * <p>Names count the layers of the view: the layer at place 5 is {@code model.layers.5}, wherever
   * it comes from. What belongs to a layer, such as its window, goes with it. Parameters are shared
   * with this model and between copies of a layer; in generation each copy has a cache of its own.
   * This model isn't changed; the view borrows everything, as that of {@link #withLinears}.
   *
   * @param order indices of this model's layers, at least one
   * @throws IllegalArgumentException if there is no such layer, or none is named
   */
  DecoderModel withLayers(List<Integer> order);

  /**
   * A view of this model with virtual tokens before the first token of every sequence: what prompt
   * tuning computes with. Losses, scores and generation see them; callers go on with their own
   * tokens. The first token of a sequence is predicted too, from the last virtual one.
   *
   * @param virtual of the size of the embedding's vectors; borrowed
   * @throws IllegalStateException if something stands there already
   */
  DecoderModel withVirtualTokens(VirtualTokens virtual);

  /**
   * A view of this model with keys and values in every layer that all tokens see before their own:
   * what prefix tuning computes with. Padding is computed with, and all scores of attention are
   * kept in training.
   *
   * @param prefix of the size of the model's keys and values; borrowed
   * @throws IllegalStateException if something stands there already
   */
  DecoderModel withPrefix(KeyValuePrefix prefix);

  /**
   * A model of its own that shares the memory of all other parameters with this one, and may
   * outlive it.
   *
   * @param change gives the layer that the new model will own in place of each one: a new one, or
   *     {@link LinearLayer#share}; other layers that it leaves as they are get a second owner
   */
  DecoderModel shareWith(LayerChange change);
}
