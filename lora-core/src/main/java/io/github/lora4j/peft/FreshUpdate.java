package io.github.lora4j.peft;

import io.github.lora4j.error.LoraException;
import io.github.lora4j.nn.LinearLayer;
import io.github.lora4j.nn.QuantizedLinear;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Generator;
import io.github.lora4j.tensor.NoGrad;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.Optional;

/** Makes the first weights of updates of linear layers, for one adapter. */
final class FreshUpdate {

  private final LoraConfig config;
  private final Generator generator;
  private final Optional<LoftqInit> loftq;

  /**
   * For the updates of one adapter.
   *
   * @param generator what is drawn comes from here
   */
  FreshUpdate(LoraConfig config, Generator generator) {
    this.config = config;
    this.generator = generator;
    this.loftq = config.loftqConfig().map(LoftqInit::new);
  }

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
        LinearLayer below = weights.rounded().isPresent() ? weights.rounded().get() : layer;
        Tensor weight = LoraUpdate.without(weights.start(), target.scaling(), below);
        weights =
            weights.withMagnitude(
                TensorScope.keep(
                    DoraUpdate.norm(weight, weights.a(), weights.b(), target.scaling())));
      }
    }
    return weights.requiresGrad(true);
  }

  /**
   * Gives weights out of a file the part of the base that their beginning changed.
   *
   * @return the same A and B
   */
  LoraWeights begun(LoraWeights stored, LinearLayer layer, AdapterTarget target) {
    if (!config.initLoraWeights().changesBase()) {
      return stored;
    }
    if (loftq.isPresent()) {
      return stored.withRounded(loftq.get().rounded(layer, target.r()));
    }
    LoraWeights again = factors(layer, target);
    again.a().close();
    again.b().close();
    LoraWeights begun = stored.withStart(again.start());
    return again.rounded().isPresent() ? begun.withRounded(again.rounded().get()) : begun;
  }

  /** A and B, with what they change of the base's weight. */
  private LoraWeights factors(LinearLayer layer, AdapterTarget target) {
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
      case LOFTQ -> rounded(layer, target);
      default -> decomposed(layer, target);
    };
  }

  private LoraWeights rounded(LinearLayer layer, AdapterTarget target) {
    try (TensorScope scope = TensorScope.open();
        NoGrad noGrad = NoGrad.open()) {
      LoftqInit.Rounded found = loftq.orElseThrow().of(layer, target.r(), target.scaling());
      return kept(found.factors()).withRounded(found.layer());
    }
  }

  private LoraWeights decomposed(LinearLayer layer, AdapterTarget target) {
    try (TensorScope scope = TensorScope.open();
        NoGrad noGrad = NoGrad.open()) {
      InitialFactors found = found(layer, target);
      if (found.weight().isEmpty()) {
        return kept(found);
      }
      if (layer instanceof QuantizedLinear few) {
        QuantizedLinear rest = few.requantized(found.weight().get(), few.bias());
        return kept(found).withRounded(rest);
      }
      return kept(found).withStart(Optional.of(kept(found)));
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
      case OLORA -> DecomposedInit.olora(name, BaseWeights.decoded(layer), r, scaling);
      case PISSA -> DecomposedInit.pissa(name, unquantized(layer), r, scaling);
      case PISSA_NITER ->
          DecomposedInit.pissaNiter(
              name, unquantized(layer), r, scaling, how.iterations(), generator);
      default ->
          throw new IllegalArgumentException(
              "%s: initLoraWeights \"%s\" is not built yet".formatted(name, how));
    };
  }

  private Tensor unquantized(LinearLayer layer) {
    if (layer instanceof QuantizedLinear) {
      throw new LoraException(
          "%s: initLoraWeights \"%s\" decomposes a weight that isn't quantized, as in PEFT: begin on the dense base, and savePlainLora writes an adapter that loads on a quantized one; or begin with \"olora\", or as by default with LoftqWeights.replace"
              .formatted(layer.name(), config.initLoraWeights()));
    }
    return BaseWeights.weight(layer);
  }
}
