package io.github.lora4j.peft;

import io.github.lora4j.data.Batch;
import io.github.lora4j.model.DecoderModel;
import io.github.lora4j.model.PreTrainedModel;
import io.github.lora4j.nn.ForwardContext;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Generator;
import io.github.lora4j.tensor.Tensor;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A frozen base model with an adapter of another kind than LoRA: (IA)³, virtual tokens, a prefix,
 * or norms of its own; in PEFT these are {@code peft.PeftModel} too.
 *
 * <p>The base isn't changed: it goes on answering as before. {@link #model()} is the base seen
 * through the adapter. {@link #close()} frees the adapter, not the base, which must stay open as
 * long. LoRA has {@link PeftModel}.
 *
 * @param <M> the kind of model that is wrapped
 */
public final class TunedModel<M extends DecoderModel> implements PreTrainedModel {

  private final M base;
  private final Tuner tuner;
  private final M view;
  private Optional<M> merged = Optional.empty();
  private boolean enabled = true;
  private boolean closed;

  // A view is the same kind of model as it is made of; Java can't say that without burdening every
  // user.
  @SuppressWarnings("unchecked")
  private TunedModel(M base, Tuner tuner) {
    this.base = base;
    this.tuner = tuner;
    try {
      this.view = (M) tuner.view(base);
    } catch (RuntimeException | Error e) {
      tuner.close();
      throw e;
    }
  }

  /**
   * Puts a fresh adapter around a model: {@code get_peft_model}.
   *
   * @throws io.github.lora4j.error.AdapterMismatchException if the configuration doesn't fit
   */
  public static <M extends DecoderModel> TunedModel<M> wrap(M base, PeftConfig config) {
    return wrap(base, config, PeftModel.DEFAULT_SEED);
  }

  /**
   * Puts a fresh adapter around a model.
   *
   * @param base stays as it is, and stays its owner's to close
   * @param config of any kind but LoRA
   * @param seed what the adapter's first weights are drawn from
   * @throws io.github.lora4j.error.AdapterMismatchException if the configuration doesn't fit
   * @throws IllegalArgumentException for a LoRA configuration: {@link PeftModel#wrap} takes it
   */
  public static <M extends DecoderModel> TunedModel<M> wrap(M base, PeftConfig config, long seed) {
    try (Generator generator = Generator.of(seed)) {
      return new TunedModel<>(base, tuner(base, config, new TunerSource.Fresh(generator)));
    }
  }

  /** Loads an adapter folder for evaluation: its weights are frozen. */
  public static <M extends DecoderModel> TunedModel<M> fromPretrained(M base, Path adapterDir) {
    return fromPretrained(base, adapterDir, false);
  }

  /**
   * Loads an adapter folder as PEFT writes it.
   *
   * <p>Unlike in PEFT, a missing, unexpected or misshapen tensor is an error, and virtual tokens
   * can be trained further.
   *
   * @param base the model that the adapter was trained on, which stays its owner's to close
   * @param adapterDir holds {@code adapter_config.json} and {@code adapter_model.safetensors}
   * @param isTrainable whether to go on training it
   * @throws io.github.lora4j.error.AdapterMismatchException listing all keys that don't fit; or for
   *     a prefix that a network computed, if it is to be trained
   */
  public static <M extends DecoderModel> TunedModel<M> fromPretrained(
      M base, Path adapterDir, boolean isTrainable) {
    PeftConfig config = PeftConfig.load(adapterDir);
    return new TunedModel<>(
        base, tuner(base, config, new TunerSource.Stored(adapterDir, isTrainable)));
  }

  private static Tuner tuner(DecoderModel base, PeftConfig config, TunerSource source) {
    TunerModules modules = new TunerModules(base);
    if (config instanceof Ia3Config ia3) {
      return new Ia3Tuner(modules, ia3, source);
    }
    if (config instanceof LnTuningConfig norms) {
      return new NormTuner(modules, norms, source);
    }
    if (config instanceof PromptTuningConfig prompt) {
      return new PromptTuner(modules, prompt, source);
    }
    if (config instanceof PrefixTuningConfig prefix) {
      return new PrefixTuner(modules, prefix, source);
    }
    throw new IllegalArgumentException(
        "config: a LoRA adapter is wrapped and loaded by PeftModel, not by TunedModel");
  }

  // ---- what it is

  /** The base seen through the adapter: borrow it for logits and generation, don't close it. */
  public M model() {
    requireOpen();
    return enabled ? merged.orElse(view) : base;
  }

  /** The base as it was given. */
  public M baseModel() {
    return base;
  }

  /** The adapter's configuration, completed by what the model says. */
  public PeftConfig config() {
    return tuner.config();
  }

  /** The names of the layers that the adapter stands beside; none for virtual tokens. */
  public List<String> targetedModuleNames() {
    return tuner.targets();
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
    return ParameterSummary.of(this);
  }

  // ---- training

  @Override
  public double lossAndBackward(Batch batch, double scale, ForwardContext context) {
    requireOpen();
    if (isMerged() || !enabled) {
      throw new IllegalStateException(
          "An adapter that is merged or switched off can't be trained: call unmergeAdapter() and"
              + " enableAdapterLayers() first.");
    }
    return view.lossAndBackward(batch, scale, context);
  }

  @Override
  public double loss(Batch batch, ForwardContext context) {
    return model().loss(batch, context);
  }

  /**
   * Writes an adapter folder that PEFT loads: {@code adapter_config.json}, {@code
   * adapter_model.safetensors} in float32 and {@code README.md}. Nothing is looked up on the
   * network.
   */
  @Override
  public void savePretrained(Path adapterDir) {
    requireOpen();
    TunerFolder.write(adapterDir, base, tuner);
  }

  // ---- on and off, in and out

  /** Lets the adapter take part again. */
  public void enableAdapterLayers() {
    enabled = true;
  }

  /** Makes {@link #model()} give the base, until {@link #enableAdapterLayers}. */
  public void disableAdapterLayers() {
    enabled = false;
  }

  /** Whether the adapter takes part. */
  public boolean isEnabled() {
    return enabled;
  }

  /**
   * Adds the adapter into weights of its own, which {@link #model()} computes from: faster, but not
   * trainable. Weights that aren't finite are refused.
   *
   * @throws io.github.lora4j.error.LoraException if the adapter is virtual tokens or a prefix,
   *     which no plain model has
   */
  public void mergeAdapter() {
    if (merged.isEmpty()) {
      merged = Optional.of(mergeAndUnload());
    }
  }

  /** Takes the adapter out again; the base's weights never changed. */
  public void unmergeAdapter() {
    merged.ifPresent(DecoderModel::close);
    merged = Optional.empty();
  }

  /** Whether the adapter is merged. */
  public boolean isMerged() {
    return merged.isPresent();
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
   *     and may outlive it
   * @throws io.github.lora4j.error.LoraException if the adapter is virtual tokens or a prefix,
   *     which no plain model has
   */
  @SuppressWarnings("unchecked") // as in the constructor
  public M mergeAndUnload(boolean safeMerge) {
    requireOpen();
    return (M) base.shareWith(tuner.unloading(safeMerge));
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException("This TunedModel is closed.");
    }
  }

  /** Frees the adapter, not the base. */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      unmergeAdapter();
      tuner.close();
    }
  }

  @Override
  public String toString() {
    return closed
        ? "closed TunedModel"
        : "TunedModel[%s around %s]".formatted(tuner.config().peftType(), base);
  }
}
