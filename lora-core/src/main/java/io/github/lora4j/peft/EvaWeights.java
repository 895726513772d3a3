package io.github.lora4j.peft;

import io.github.lora4j.data.Batch;
import io.github.lora4j.error.LoraException;
import io.github.lora4j.model.DecoderModel;
import io.github.lora4j.nn.ForwardContext;
import io.github.lora4j.tensor.NoGrad;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Gives an adapter that was made with {@link InitLoraWeights#EVA} its beginning, out of the inputs
 * that its layers see: PEFT's {@code initialize_lora_eva_weights}.
 */
public final class EvaWeights {

  private EvaWeights() {}

  /** Searches as the adapter's {@link LoraConfig#evaConfig} says, or with PEFT's defaults. */
  public static void initialize(PeftModel<?> model, Iterable<Batch> batches) {
    initialize(model, batches, model.config().evaConfig().orElse(EvaConfig.DEFAULT));
  }

  /**
   * Runs the base on batches until the directions of all layers' inputs are found, then makes the
   * only active adapter anew: A holds the directions, B is zero, ranks are shared out by how much
   * each direction explains. Layers that get none are no longer adapted; the configuration says so
   * in {@code targetModules}, {@code rankPattern} and {@code alphaPattern}.
   *
   * <p>What {@link PeftModel#model()} and {@code trainableParameters()} gave before must not be
   * used any more: call this before an optimizer or a trainer is made.
   *
   * @param batches of the training data, gone over as often as it takes; positions that are padding
   *     or, if the configuration says so, not labelled are left out
   * @throws IllegalStateException if not exactly one adapter is active, or it was made with another
   *     {@code initLoraWeights}
   * @throws LoraException if directions still move after a hundred passes
   */
  public static void initialize(PeftModel<?> model, Iterable<Batch> batches, EvaConfig config) {
    List<String> active = model.activeAdapters();
    if (active.size() != 1 || model.isMerged()) {
      throw new IllegalStateException(
          "EVA begins one active adapter that is not merged; active are " + active);
    }
    Adapter adapter = model.adapter(active.get(0));
    if (!adapter.config().initLoraWeights().equals(InitLoraWeights.EVA)) {
      throw new IllegalStateException(
          "EVA begins adapters with initLoraWeights \"eva\", but that of \"%s\" is %s"
              .formatted(adapter.name(), adapter.config().initLoraWeights()));
    }
    try (TensorScope scope = TensorScope.open();
        NoGrad noGrad = NoGrad.open()) {
      Map<String, Tensor> found =
          new EvaSearch<Batch>(config, layers(model, adapter), forward(model.baseModel(), config))
              .run(batches);
      begin(model, adapter, config, found);
    }
  }

  private static List<EvaLayer> layers(PeftModel<?> model, Adapter adapter) {
    List<EvaLayer> layers = new ArrayList<>();
    for (AdaptedLinear layer : model.layers().linears()) {
      layer
          .update(adapter.name())
          .map(update -> new EvaLayer(layer.name(), layer.inFeatures(), update.weights().rank()))
          .ifPresent(layers::add);
    }
    return layers;
  }

  private static EvaSearch.Forward<Batch> forward(DecoderModel base, EvaConfig config) {
    return (batch, inputs) -> {
      ChosenPositions chosen = ChosenPositions.of(batch, config);
      if (chosen.isEmpty()) {
        return;
      }
      base.withLinears(
              layer ->
                  inputs.wants(layer.name())
                      ? new InputRecorder(layer, (name, x) -> inputs.see(name, chosen.of(x)))
                      : layer)
          .loss(chosen.labelled(), ForwardContext.eval());
    };
  }

  private static void begin(
      PeftModel<?> model, Adapter adapter, EvaConfig config, Map<String, Tensor> found) {
    Map<String, Integer> ranks = new LinkedHashMap<>();
    found.forEach((module, a) -> ranks.put(module, Math.toIntExact(a.size(0))));
    LoraConfig next = withRanks(adapter, ranks, config.adjustScalingFactors());
    model.replaceAdapter(adapter.name(), next);
    for (AdaptedLinear layer : model.layers().linears()) {
      LoraUpdate update = layer.update(adapter.name()).orElse(null);
      Tensor a = found.get(layer.name());
      if (update != null && a != null) {
        if (a.size(0) != update.weights().rank()) {
          throw new LoraException(
              "%s: EVA gives it rank %d, but its adapter has %d: name it in targetModules, not in targetParameters"
                  .formatted(layer.name(), a.size(0), update.weights().rank()));
        }
        update.weights().a().copyInPlace(a);
      }
    }
  }

  private static LoraConfig withRanks(Adapter adapter, Map<String, Integer> all, boolean adjust) {
    LoraConfig config = adapter.config();
    Map<String, RankPatterns.AdapterRank> before = new LinkedHashMap<>();
    List<String> targets = new ArrayList<>();
    for (AdapterTarget target : adapter.matched().targets()) {
      before.put(target.module(), new RankPatterns.AdapterRank(target.r(), target.alpha()));
      if (all.getOrDefault(target.module(), target.r()) > 0) {
        targets.add(target.module());
      }
    }
    Map<String, Integer> ranks = new LinkedHashMap<>();
    targets.forEach(module -> ranks.put(module, all.getOrDefault(module, before.get(module).r())));
    RankPatterns patterns =
        RankPatterns.ofSharedRanks(config.r(), config.loraAlpha(), before, ranks, adjust);
    LoraConfigBuilder next =
        config.toBuilder()
            .rankPattern(patterns.rankPattern())
            .alphaPattern(patterns.alphaPattern());
    return targets.size() == adapter.matched().targets().size()
        ? next.build()
        : next.targetModules(new TargetModules.Names(targets)).build();
  }
}
