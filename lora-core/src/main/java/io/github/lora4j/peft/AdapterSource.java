package io.github.lora4j.peft;

import io.github.lora4j.nn.EmbeddingLayer;
import io.github.lora4j.nn.ExpertLinear;
import io.github.lora4j.nn.LinearLayer;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Generator;
import io.github.lora4j.tensor.NoGrad;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.Map;
import java.util.Objects;

/** Where an adapter's weights come from; whoever asks becomes their owner. */
interface AdapterSource {

  /** The update of a linear layer or a router. */
  LoraWeights update(LinearLayer layer, AdapterTarget target);

  /** The update of a table. */
  LoraWeights update(EmbeddingLayer layer, AdapterTarget target);

  /** The updates of experts. */
  LoraWeights update(ExpertLinear layer, ExpertTarget target);

  /**
   * What is trained in place of a parameter of the base, or of rows of it, float32.
   *
   * @param key its name in PEFT's files, without the prefix
   * @param original the base's, as the file has it
   */
  Tensor copy(String key, Tensor original);

  /** What takes the place of the base's table or head, by their names. */
  default Map<String, StoredTable> tables() {
    return Map.of();
  }

  /**
   * Weights of a new adapter.
   *
   * @param generator what they are drawn from
   * @param fresh what draws those of linear layers
   */
  record Fresh(LoraConfig config, Generator generator, FreshUpdate fresh) implements AdapterSource {

    Fresh(LoraConfig config, Generator generator) {
      this(config, generator, new FreshUpdate(config, generator));
    }

    @Override
    public LoraWeights update(LinearLayer layer, AdapterTarget target) {
      return fresh.of(layer, target);
    }

    @Override
    public LoraWeights update(EmbeddingLayer layer, AdapterTarget target) {
      return EmbeddingUpdate.fresh(config, generator, layer, target);
    }

    @Override
    public LoraWeights update(ExpertLinear layer, ExpertTarget target) {
      return LoraWeights.init(
          config.initLoraWeights(),
          target.r(),
          (long) target.r() * layer.experts(),
          layer.inFeatures(),
          layer.outFeatures(),
          generator,
          layer.device());
    }

    @Override
    public Tensor copy(String key, Tensor original) {
      try (TensorScope scope = TensorScope.open();
          NoGrad noGrad = NoGrad.open()) {
        return TensorScope.keep(original.detach().to(DType.F32).copy().contiguous())
            .requiresGrad(true);
      }
    }
  }

  /**
   * Weights out of a file.
   *
   * @param trainable whether they go on learning
   * @param fresh what the adapter's beginning changed of the base is made again
   */
  record Stored(AdapterWeightsFile.Contents contents, boolean trainable, FreshUpdate fresh)
      implements AdapterSource {

    @Override
    public LoraWeights update(LinearLayer layer, AdapterTarget target) {
      // What the base's weight gives up is missing already in one that the file brings.
      return tables().containsKey(layer.name())
          ? update(target.module())
          : fresh.begun(update(target.module()), layer, target);
    }

    @Override
    public LoraWeights update(EmbeddingLayer layer, AdapterTarget target) {
      return update(target.module());
    }

    @Override
    public LoraWeights update(ExpertLinear layer, ExpertTarget target) {
      return update(target.module());
    }

    @Override
    public Map<String, StoredTable> tables() {
      return contents.tables();
    }

    private LoraWeights update(String module) {
      return Objects.requireNonNull(contents.updates().get(module), module).requiresGrad(trainable);
    }

    @Override
    public Tensor copy(String key, Tensor original) {
      return Objects.requireNonNull(contents.others().get(key), key).requiresGrad(trainable);
    }
  }
}
