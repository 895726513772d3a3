package io.github.lora4j.peft;

import io.github.lora4j.nn.LinearLayer;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Generator;
import io.github.lora4j.tensor.NoGrad;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.Optional;

/**
 * Makes the first weights of updates of linear layers.
 *
 * @param generator what is drawn comes from here
 */
record FreshUpdate(LoraConfig config, Generator generator) {

  LoraWeights of(LinearLayer layer, AdapterTarget target) {
    LoraWeights weights = factors(layer, target);
    Device device = layer.device();
    try (TensorScope scope = TensorScope.open();
        NoGrad noGrad = NoGrad.open()) {
      if (config.loraBias()) {
        int out = layer.outFeatures();
        double bound = 1 / Math.sqrt(target.r());
        Tensor bias =
            config.initLoraWeights().equals(InitLoraWeights.RANDOM)
                ? Tensor.uniform(-bound, bound, generator, out).to(device)
                : Tensor.zeros(DType.F32, device, out);
        weights = weights.withBias(TensorScope.keep(bias));
      }
      if (config.useDora()) {
        Tensor weight = LoraUpdate.without(weights.start(), target.scaling(), layer);
        weights =
            weights.withMagnitude(
                TensorScope.keep(
                    DoraUpdate.norm(weight, weights.a(), weights.b(), target.scaling())));
      }
    }
    return weights.requiresGrad(true);
  }

  /** What weights out of a file began with, where the base's weight gives it up. */
  Optional<LoraWeights> startOf(LinearLayer layer, AdapterTarget target) {
    if (!config.initLoraWeights().changesBase()) {
      return Optional.empty();
    }
    LoraWeights again = factors(layer, target);
    again.a().close();
    again.b().close();
    return again.start();
  }

  /** A and B, with what they take out of the base's weight. */
  LoraWeights factors(LinearLayer layer, AdapterTarget target) {
    InitLoraWeights how = config.initLoraWeights();
    return switch (how.method()) {
      case KAIMING, GAUSSIAN, RANDOM, EVA ->
          LoraWeights.init(
              how.equals(InitLoraWeights.EVA) ? InitLoraWeights.KAIMING : how,
              target.r(),
              layer.inFeatures(),
              layer.outFeatures(),
              generator,
              layer.device());
      default -> decomposed(layer, target);
    };
  }

  private LoraWeights decomposed(LinearLayer layer, AdapterTarget target) {
    try (TensorScope scope = TensorScope.open();
        NoGrad noGrad = NoGrad.open()) {
      InitialFactors found = found(layer, target);
      LoraWeights weights = kept(found);
      return found.weight().isPresent() ? weights.withStart(Optional.of(kept(found))) : weights;
    }
  }

  private static LoraWeights kept(InitialFactors found) {
    return new LoraWeights(TensorScope.keep(found.a().copy()), TensorScope.keep(found.b().copy()));
  }

  private InitialFactors found(LinearLayer layer, AdapterTarget target) {
    InitLoraWeights how = config.initLoraWeights();
    String name = layer.name();
    int r = target.r();
    double scaling = target.scaling();
    return switch (how.method()) {
      case ORTHOGONAL -> {
        InitialFactors drawn =
            OrthogonalInit.of(name, r, layer.inFeatures(), layer.outFeatures(), generator);
        yield InitialFactors.beside(drawn.a().to(layer.device()), drawn.b().to(layer.device()));
      }
      case OLORA -> DecomposedInit.olora(name, BaseWeights.weight(layer), r, scaling);
      case PISSA -> DecomposedInit.pissa(name, BaseWeights.weight(layer), r, scaling);
      case PISSA_NITER ->
          DecomposedInit.pissaNiter(
              name, BaseWeights.weight(layer), r, scaling, how.iterations(), generator);
      default ->
          throw new IllegalArgumentException(
              "%s: initLoraWeights \"%s\" is not built yet".formatted(name, how));
    };
  }
}
