package io.github.lora4j.peft;

import io.github.lora4j.data.Batch;
import io.github.lora4j.model.DecoderModel;
import io.github.lora4j.model.PreTrainedModel;
import io.github.lora4j.nn.DenseLinear;
import io.github.lora4j.nn.ForwardContext;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Generator;
import io.github.lora4j.tensor.Tensor;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
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
  private final AdaptedLayers layers = new AdaptedLayers();
  private final AdapterSwitch enabled;
  private boolean closed;

  // withLinears gives the same kind of model as it is called on; Java can't say that without
  // burdening every user.
  @SuppressWarnings("unchecked")
  private PeftModel(
      M base,
      LoraConfig config,
      BaseLayers baseLayers,
      MatchedModules matched,
      AdapterSource source) {
    this.base = base;
    this.config = config;
    this.matched = matched;
    this.enabled = new AdapterSwitch();
    try {
      this.view =
          (M)
              base.withLinears(
                  layers.wrapping(baseLayers, matched, config.loraDropout(), source, enabled));
    } catch (RuntimeException | Error e) {
      layers.close();
      throw e;
    }
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
  public static <M extends DecoderModel> PeftModel<M> wrap(M base, LoraConfig given, long seed) {
    BaseLayers layers = BaseLayers.of(base);
    LoraConfig config = layers.withExperts(layers.completed(given));
    MatchedModules matched = layers.match(config, NameCheck.STRICT);
    try (Generator generator = Generator.of(seed)) {
      return new PeftModel<>(
          base, config, layers, matched, new AdapterSource.Fresh(config, layers, generator));
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
    LoraConfig config = layers.withExperts(SavedModules.complete(LoraConfig.load(adapterDir)));
    MatchedModules matched = layers.match(config, NameCheck.LENIENT);
    List<ExpectedUpdate> expected = layers.expected(matched);
    List<DenseLinear> saved = matched.saved().stream().map(layers::dense).toList();
    AdapterWeightsFile.Contents read =
        AdapterWeightsFile.read(adapterDir, expected, saved, base.device());
    return new PeftModel<>(
        base, config, layers, matched, new AdapterSource.Stored(read, isTrainable));
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

  /** The names of the layers that are trained whole ({@code modulesToSave}), in that order. */
  public List<String> savedModuleNames() {
    return layers.copies().stream().map(TrainedCopy::name).toList();
  }

  /** The names of the layers that carry the adapter, in the model's order. */
  public List<String> targetedModuleNames() {
    return layers.linears().stream().map(LoraLinear::name).toList();
  }

  /**
   * The names of the parameters of experts that carry the adapter, in the model's order; routers
   * are among {@link #targetedModuleNames}.
   */
  public List<String> targetedParameterNames() {
    return layers.experts().stream().map(LoraExperts::name).toList();
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
      layers.merge(safeMerge);
    } catch (RuntimeException e) {
      unmergeAdapter();
      throw e;
    }
  }

  /** Takes the adapter out again: the base's weights are the very same bits as before. */
  public void unmergeAdapter() {
    layers.unmerge();
  }

  /** Whether the adapter is merged. */
  public boolean isMerged() {
    return layers.isMerged();
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
    return (M) base.shareWith(layers.unloading(safeMerge));
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
      layers.close();
    }
  }

  @Override
  public String toString() {
    return closed
        ? "closed PeftModel"
        : "PeftModel[%d layers with r=%d around %s]"
            .formatted(layers.linears().size() + layers.experts().size(), config.r(), base);
  }
}
