package io.github.lora4j.peft;

import io.github.lora4j.nn.DenseLinear;
import io.github.lora4j.nn.ExpertLinear;
import io.github.lora4j.nn.LinearLayer;
import io.github.lora4j.tensor.Generator;
import java.util.Objects;

/** Where an adapter's weights come from; whoever asks becomes their owner. */
interface AdapterSource {

  /** The update of a linear layer or a router. */
  LoraWeights update(AdapterTarget target);

  /** The updates of experts. */
  LoraWeights update(ExpertTarget target);

  /** The copy of a layer that is trained whole. */
  TrainedCopy.Weights copy(DenseLinear layer);

  /**
   * Weights of a new adapter.
   *
   * @param generator what they are drawn from
   */
  record Fresh(LoraConfig config, BaseLayers base, Generator generator) implements AdapterSource {

    @Override
    public LoraWeights update(AdapterTarget target) {
      LinearLayer layer = base.linear(target.module());
      return LoraWeights.init(
          config.initLoraWeights(),
          target.r(),
          layer.inFeatures(),
          layer.outFeatures(),
          generator,
          layer.device());
    }

    @Override
    public LoraWeights update(ExpertTarget target) {
      ExpertLinear layer = base.experts(target.parameter());
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
    public TrainedCopy.Weights copy(DenseLinear layer) {
      return TrainedCopy.Weights.copyOf(layer);
    }
  }

  /**
   * Weights out of a file.
   *
   * @param trainable whether they go on learning
   */
  record Stored(AdapterWeightsFile.Contents contents, boolean trainable) implements AdapterSource {

    @Override
    public LoraWeights update(AdapterTarget target) {
      return update(target.module());
    }

    @Override
    public LoraWeights update(ExpertTarget target) {
      return update(target.module());
    }

    private LoraWeights update(String module) {
      return Objects.requireNonNull(contents.updates().get(module), module).requiresGrad(trainable);
    }

    @Override
    public TrainedCopy.Weights copy(DenseLinear layer) {
      return Objects.requireNonNull(contents.copies().get(layer.name()), layer.name())
          .requiresGrad(trainable);
    }
  }
}
