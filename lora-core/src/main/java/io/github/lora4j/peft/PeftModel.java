package io.github.lora4j.peft;

import io.github.lora4j.data.Batch;
import io.github.lora4j.model.DecoderModel;
import io.github.lora4j.model.PreTrainedModel;
import io.github.lora4j.nn.ForwardContext;
import io.github.lora4j.nn.LinearLayer;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Generator;
import io.github.lora4j.tensor.Tensor;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A frozen base model with a LoRA adapter: {@code peft.PeftModel}.
 *
 * <p>Unlike in PEFT the base isn't changed: it goes on answering as before, and several adapters
 * can stand around one base. {@link #model()} is the base seen through the adapter. {@link
 * #close()} frees the adapter, not the base, which must stay open as long.
 *
 * @param <M> the kind of model that is wrapped
 */
public final class PeftModel<M extends DecoderModel> implements PreTrainedModel {

  private static final Logger LOG = LoggerFactory.getLogger(PeftModel.class);

  /** What {@link #wrap(DecoderModel, LoraConfig)} draws the adapter's first weights from. */
  public static final long DEFAULT_SEED = 42;

  private final M base;
  private final M view;
  private final LoraConfig config;
  private final MatchedModules matched;
  private final List<LoraLinear> layers;
  private final AdapterSwitch enabled;
  private boolean closed;

  // withLinears gives the same kind of model as it is called on; Java can't say that without
  // burdening every user.
  @SuppressWarnings("unchecked")
  private PeftModel(
      M base,
      LoraConfig config,
      MatchedModules matched,
      Function<AdapterTarget, LoraWeights> weights) {
    this.base = base;
    this.config = config;
    this.matched = matched;
    this.enabled = new AdapterSwitch();
    Map<String, AdapterTarget> targets =
        matched.targets().stream().collect(Collectors.toMap(AdapterTarget::module, t -> t));
    List<LoraLinear> wrapped = new ArrayList<>();
    try {
      this.view =
          (M)
              base.withLinears(
                  layer -> {
                    AdapterTarget target = targets.get(layer.name());
                    if (target == null) {
                      return layer;
                    }
                    LoraLinear lora =
                        new LoraLinear(
                            layer,
                            weights.apply(target),
                            target.scaling(),
                            config.loraDropout(),
                            enabled);
                    wrapped.add(lora);
                    return lora;
                  });
    } catch (RuntimeException | Error e) {
      wrapped.forEach(LoraLinear::close);
      throw e;
    }
    this.layers = List.copyOf(wrapped);
  }

  /** Puts a fresh adapter around a model: {@code get_peft_model}. */
  public static <M extends DecoderModel> PeftModel<M> wrap(M base, LoraConfig config) {
    return wrap(base, config, DEFAULT_SEED);
  }

  /**
   * Puts a fresh adapter around a model.
   *
   * @param base stays as it is, and stays its owner's to close
   * @param seed what the adapter's first weights are drawn from
   * @throws io.github.lora4j.error.AdapterMismatchException if a name in the configuration matches
   *     no layer
   */
  public static <M extends DecoderModel> PeftModel<M> wrap(M base, LoraConfig config, long seed) {
    BaseLayers layers = BaseLayers.of(base);
    MatchedModules matched = layers.match(config, NameCheck.STRICT);
    try (Generator generator = Generator.of(seed)) {
      return new PeftModel<>(
          base,
          config,
          matched,
          target -> {
            LinearLayer layer = layers.linear(target);
            return LoraWeights.init(
                config.initLoraWeights(),
                target.r(),
                layer.inFeatures(),
                layer.outFeatures(),
                generator,
                layer.device());
          });
    }
  }

  /** Loads an adapter folder for evaluation: its weights are frozen. */
  public static <M extends DecoderModel> PeftModel<M> fromPretrained(M base, Path adapterDir) {
    return fromPretrained(base, adapterDir, false);
  }

  /**
   * Loads an adapter folder as PEFT writes it.
   *
   * <p>Unlike in PEFT, a missing, unexpected or misshapen tensor is an error.
   *
   * @param base the model that the adapter was trained on, which stays its owner's to close
   * @param adapterDir holds {@code adapter_config.json} and {@code adapter_model.safetensors}
   * @param isTrainable whether to go on training it
   * @throws io.github.lora4j.error.AdapterMismatchException listing all keys that don't fit
   */
  public static <M extends DecoderModel> PeftModel<M> fromPretrained(
      M base, Path adapterDir, boolean isTrainable) {
    BaseLayers layers = BaseLayers.of(base);
    LoraConfig config = LoraConfig.load(adapterDir);
    MatchedModules matched = layers.match(config, NameCheck.LENIENT);
    List<AdapterWeightsFile.Expected> expected =
        matched.targets().stream()
            .map(
                target -> {
                  LinearLayer layer = layers.linear(target);
                  return new AdapterWeightsFile.Expected(
                      target.module(), target.r(), layer.inFeatures(), layer.outFeatures());
                })
            .toList();
    Map<String, LoraWeights> weights = AdapterWeightsFile.read(adapterDir, expected, base.device());
    return new PeftModel<>(
        base, config, matched, target -> weights.get(target.module()).requiresGrad(isTrainable));
  }

  // ---- what it is

  /** The base seen through the adapter: borrow it for logits and generation, don't close it. */
  public M model() {
    requireOpen();
    return view;
  }

  /** The base as it was given. */
  public M baseModel() {
    return base;
  }

  /** The adapter's configuration. */
  public LoraConfig config() {
    return config;
  }

  /** The names of the layers that carry the adapter, in the model's order. */
  public List<String> targetedModuleNames() {
    return layers.stream().map(LoraLinear::name).toList();
  }

  @Override
  public Device device() {
    return base.device();
  }

  @Override
  public List<Integer> eosTokenIds() {
    return base.eosTokenIds();
  }

  @Override
  public Map<String, Tensor> trainableParameters() {
    requireOpen();
    return view.trainableParameters();
  }

  @Override
  public long parameterCount() {
    requireOpen();
    return view.parameterCount();
  }

  /** {@code trainable params: … || all params: … || trainable%: …}, in PEFT's words. */
  public String trainableParametersSummary() {
    long trainable = trainableParameters().values().stream().mapToLong(Tensor::numel).sum();
    long all = parameterCount();
    return String.format(
        Locale.ROOT,
        "trainable params: %,d || all params: %,d || trainable%%: %.4f",
        trainable,
        all,
        100.0 * trainable / all);
  }

  /**
   * Logs {@link #trainableParametersSummary} at INFO: a library doesn't write to standard output.
   */
  public void printTrainableParameters() {
    LOG.info("{}", trainableParametersSummary());
  }

  // ---- training

  @Override
  public double lossAndBackward(Batch batch, double scale, ForwardContext context) {
    requireOpen();
    if (isMerged()) {
      throw new IllegalStateException(
          "A merged adapter can't be trained: call unmergeAdapter() first.");
    }
    if (!isEnabled()) {
      throw new IllegalStateException(
          "An adapter that is switched off can't be trained: call enableAdapterLayers() first.");
    }
    return view.lossAndBackward(batch, scale, context);
  }

  @Override
  public double loss(Batch batch, ForwardContext context) {
    requireOpen();
    return view.loss(batch, context);
  }

  /**
   * Writes an adapter folder that PEFT loads: {@code adapter_config.json}, {@code
   * adapter_model.safetensors} in float32 and {@code README.md}. Nothing is looked up on the
   * network.
   */
  @Override
  public void savePretrained(Path adapterDir) {
    requireOpen();
    AdapterFolder.write(adapterDir, base, config, matched, layers);
  }

  // ---- on and off, in and out

  /** Lets the adapter take part again. */
  public void enableAdapterLayers() {
    enabled.set(true);
  }

  /** Makes {@link #model()} answer as the base does, until {@link #enableAdapterLayers}. */
  public void disableAdapterLayers() {
    enabled.set(false);
  }

  /** Switches the adapter off until the result is closed: {@code with model.disable_adapter():}. */
  public ForwardContext.Region disableAdapter() {
    boolean before = enabled.isOn();
    enabled.set(false);
    return () -> enabled.set(before);
  }

  /** Whether the adapter takes part. */
  public boolean isEnabled() {
    return enabled.isOn();
  }

  /**
   * Adds the adapter into one weight per layer, which {@link #model()} computes from: faster, but
   * not trainable.
   */
  public void mergeAdapter() {
    mergeAdapter(false);
  }

  /**
   * Merges the adapter.
   *
   * <p>Not while another thread computes with {@link #model()}; the same holds for unmerging.
   *
   * @param safeMerge whether to refuse weights that are not finite; then nothing is merged
   */
  public void mergeAdapter(boolean safeMerge) {
    requireOpen();
    try {
      layers.forEach(layer -> layer.merge(safeMerge));
    } catch (RuntimeException e) {
      unmergeAdapter();
      throw e;
    }
  }

  /** Takes the adapter out again: the base's weights are the very same bits as before. */
  public void unmergeAdapter() {
    layers.forEach(LoraLinear::unmerge);
  }

  /** Whether the adapter is merged. */
  public boolean isMerged() {
    return layers.stream().anyMatch(LoraLinear::isMerged);
  }

  /** Makes a plain model with the adapter inside, after checking that all weights are finite. */
  public M mergeAndUnload() {
    return mergeAndUnload(true);
  }

  /**
   * Makes a plain model with the adapter inside.
   *
   * @param safeMerge whether to refuse weights that are not finite
   * @return a model of its own for the caller to close; it shares unchanged weights with the base
   *     and may outlive it. To train all of it, save and load it first: else the base would change
   */
  @SuppressWarnings("unchecked") // as in the constructor
  public M mergeAndUnload(boolean safeMerge) {
    requireOpen();
    Map<String, LinearLayer> merged = new LinkedHashMap<>();
    try {
      layers.forEach(layer -> merged.put(layer.name(), layer.mergedLayer(safeMerge)));
    } catch (RuntimeException | Error e) {
      merged.values().forEach(LinearLayer::close);
      throw e;
    }
    return (M)
        base.shareWith(
            layer -> merged.containsKey(layer.name()) ? merged.get(layer.name()) : layer.share());
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException("This PeftModel is closed.");
    }
  }

  /** Frees the adapter, not the base. */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      layers.forEach(LoraLinear::close);
    }
  }

  @Override
  public String toString() {
    return closed
        ? "closed PeftModel"
        : "PeftModel[%d layers with r=%d around %s]".formatted(layers.size(), config.r(), base);
  }
}
