package io.github.lora4j.peft;

import io.github.lora4j.data.Batch;
import io.github.lora4j.io.hub.HubOptions;
import io.github.lora4j.io.hub.ModelHub;
import io.github.lora4j.model.DecoderModel;
import io.github.lora4j.model.PreTrainedModel;
import io.github.lora4j.nn.ForwardContext;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Generator;
import io.github.lora4j.tensor.Tensor;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A frozen base model with LoRA adapters: {@code peft.PeftModel}.
 *
 * <p>Unlike in PEFT the base isn't changed: it goes on answering as before, and several of these
 * can stand around one base. {@link #model()} is the base seen through the active adapters. {@link
 * #close()} frees the adapters, not the base, which must stay open as long.
 *
 * <p>Adapters have names; the first is called {@code default} unless it is given another. The
 * updates of several active ones add up. Methods that change which adapters there are, which are
 * active or merged, must not run while another thread computes with {@link #model()}.
 *
 * @param <M> the kind of model that is wrapped
 */
public final class PeftModel<M extends DecoderModel> implements PreTrainedModel {

  private static final Logger LOG = LoggerFactory.getLogger(PeftModel.class);

  /** What {@link #wrap(DecoderModel, LoraConfig)} draws the adapter's first weights from. */
  public static final long DEFAULT_SEED = 42;

  private final M base;
  private final List<List<Integer>> replication;
  private final M stack;
  private final BaseLayers baseLayers;
  private final AdapterSwitch enabled = new AdapterSwitch();
  private final AdaptedLayers layers;
  private final AdapterSet adapters;
  private M view;
  private boolean closed;

  // withLayers and withLinears give the same kind of model as they are called on; Java can't say
  // that without burdening every user.
  @SuppressWarnings("unchecked")
  private PeftModel(M base, LoraConfig first) {
    this.base = base;
    this.replication = first.layerReplication();
    this.stack =
        replication.isEmpty()
            ? base
            : (M) base.withLayers(LayerReplication.order(replication, base.spec()));
    this.baseLayers = BaseLayers.of(stack);
    this.layers = new AdaptedLayers(baseLayers, enabled);
    this.adapters = new AdapterSet(layers);
    this.view = stack;
  }

  /** Puts the layers with their adapters into the base's places. */
  @SuppressWarnings("unchecked") // as above
  private void look() {
    view = (M) stack.withLinears(layers.inPlace());
  }

  /** Puts a fresh adapter around a model: {@code get_peft_model}. */
  public static <M extends DecoderModel> PeftModel<M> wrap(M base, LoraConfig config) {
    return wrap(base, config, DEFAULT_SEED);
  }

  /**
   * Puts a fresh adapter with a name of its own around a model.
   *
   * @param adapterName {@code default} where none is given; see {@link #addAdapter}
   */
  public static <M extends DecoderModel> PeftModel<M> wrap(
      M base, LoraConfig config, String adapterName) {
    return opened(base, config, peft -> peft.addAdapter(adapterName, config));
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
    return opened(base, config, peft -> peft.addAdapter(AdapterNames.DEFAULT, config, seed));
  }

  private static <M extends DecoderModel> PeftModel<M> opened(
      M base, LoraConfig first, Consumer<PeftModel<M>> firstAdapter) {
    PeftModel<M> peft = new PeftModel<>(base, first);
    firstAdapter.accept(peft);
    return peft;
  }

  /** Loads an adapter folder for evaluation: its weights are frozen. */
  public static <M extends DecoderModel> PeftModel<M> fromPretrained(M base, Path adapterDir) {
    return fromPretrained(base, adapterDir, false);
  }

  /**
   * Loads an adapter folder as PEFT writes it.
   *
   * <p>Unlike in PEFT, a missing, unexpected or misshapen tensor is an error, and an embedding or a
   * head in the file doesn't overwrite the base's: see {@link #loadAdapter(Path, String, boolean)}.
   *
   * @param base the model that the adapter was trained on, which stays its owner's to close
   * @param adapterDir holds {@code adapter_config.json} and {@code adapter_model.safetensors}
   * @param isTrainable whether to go on training it
   * @throws io.github.lora4j.error.AdapterMismatchException listing all keys that don't fit
   */
  public static <M extends DecoderModel> PeftModel<M> fromPretrained(
      M base, Path adapterDir, boolean isTrainable) {
    return fromPretrained(base, adapterDir, AdapterNames.DEFAULT, isTrainable);
  }

  /**
   * Loads an adapter folder and gives the adapter a name.
   *
   * @param adapterName see {@link #addAdapter}
   */
  public static <M extends DecoderModel> PeftModel<M> fromPretrained(
      M base, Path adapterDir, String adapterName, boolean isTrainable) {
    LoraConfig config = LoraConfig.load(adapterDir);
    return opened(base, config, peft -> peft.loadAdapter(adapterDir, adapterName, isTrainable));
  }

  /**
   * Loads an adapter folder, or an adapter's repository of the Hugging Face hub, for evaluation.
   *
   * @param nameOrPath a folder, or a name such as {@code org/name}, which is downloaded once: see
   *     {@link ModelHub#resolveAdapter}
   * @throws io.github.lora4j.error.HubException if it can't be downloaded
   */
  public static <M extends DecoderModel> PeftModel<M> fromPretrained(M base, String nameOrPath) {
    return fromPretrained(base, nameOrPath, false, HubOptions.defaults());
  }

  /**
   * Loads an adapter folder, or an adapter's repository of the Hugging Face hub.
   *
   * @param nameOrPath a folder, or a name such as {@code org/name}, which is downloaded once: see
   *     {@link ModelHub#resolveAdapter}
   * @param isTrainable whether to go on training it
   * @param options the revision and the like
   * @throws io.github.lora4j.error.HubException if it can't be downloaded
   * @throws io.github.lora4j.error.AdapterMismatchException listing all keys that don't fit
   */
  public static <M extends DecoderModel> PeftModel<M> fromPretrained(
      M base, String nameOrPath, boolean isTrainable, HubOptions options) {
    return fromPretrained(base, ModelHub.resolveAdapter(nameOrPath, options), isTrainable);
  }

  // ---- several adapters

  /**
   * Adds a fresh adapter, which takes part once it is {@link #setAdapter set}; the first one does
   * at once.
   *
   * <p>What {@link #model()} gave before doesn't see it: ask again.
   *
   * @param adapterName names a folder when it is saved; nothing but a name, so no dots or slashes
   * @throws io.github.lora4j.error.AdapterMismatchException if a name in the configuration matches
   *     no layer
   * @throws IllegalArgumentException if the name is taken or no name
   */
  public void addAdapter(String adapterName, LoraConfig config) {
    addAdapter(adapterName, config, DEFAULT_SEED);
  }

  /**
   * Adds a fresh adapter.
   *
   * @param seed what its first weights are drawn from
   */
  public void addAdapter(String adapterName, LoraConfig given, long seed) {
    requireOpen();
    adapters.requireNew(adapterName);
    requireSameStack(given);
    LoraConfig config = baseLayers.withExperts(baseLayers.completed(given));
    MatchedModules matched = baseLayers.match(config, NameCheck.STRICT);
    try (Generator generator = Generator.of(seed)) {
      add(
          new Adapter(adapterName, config, matched, !config.inferenceMode()),
          new AdapterSource.Fresh(config, generator));
    }
  }

  /**
   * Adds an adapter made of others: {@code model.add_weighted_adapter}, with PEFT's defaults.
   *
   * @param type how; {@link CombinationType#SVD} is PEFT's default
   */
  public void addWeightedAdapter(
      List<String> adapters, double[] weights, String adapterName, CombinationType type) {
    addWeightedAdapter(adapters, weights, adapterName, type, CombinationOptions.DEFAULT);
  }

  /**
   * Adds an adapter made of others, which takes part once it is {@link #setAdapter set}; frozen, as
   * in PEFT.
   *
   * <p>A layer's rank may be lower than others': it is what the adapters make at that layer. Its
   * scaling is 1, whatever theirs are; unlike in PEFT that holds for rsLoRA too.
   *
   * @param adapters different ones, at least one
   * @param weights one for each; negative ones subtract
   * @param adapterName the new one's
   * @throws IllegalArgumentException if ranks differ where the type needs equal ones, or the name
   *     is taken, where PEFT does nothing
   * @throws io.github.lora4j.error.LoraException if one of them has more than A and B of linear
   *     layers
   */
  public void addWeightedAdapter(
      List<String> adapters,
      double[] weights,
      String adapterName,
      CombinationType type,
      CombinationOptions options) {
    requireKnown(adapters);
    this.adapters.requireNew(adapterName);
    Map<String, Double> parts = new LinkedHashMap<>();
    for (int i = 0; i < Math.min(weights.length, adapters.size()); i++) {
      parts.put(adapters.get(i), weights[i]);
    }
    if (parts.isEmpty() || parts.size() != adapters.size() || weights.length != adapters.size()) {
      throw new IllegalArgumentException(
          "expected different adapters and a weight for each, found %s and %s"
              .formatted(adapters, Arrays.toString(weights)));
    }
    try (AdapterMix mix = AdapterMix.of(layers, this.adapters.all(), parts, type, options)) {
      addAdapter(adapterName, mix.config(config(adapters.get(0))));
      mix.writeTo(layers, adapterName);
      setRequiresGrad(false, adapterName);
    }
  }

  /** Adds an adapter out of a folder for evaluation: its weights are frozen. */
  public void loadAdapter(Path adapterDir, String adapterName) {
    loadAdapter(adapterDir, adapterName, false);
  }

  /**
   * Adds an adapter out of a folder, which takes part once it is {@link #setAdapter set}.
   *
   * <p>Unlike in PEFT, one that isn't to be trained stays frozen when it is set.
   *
   * <p>A file can bring the base's embedding or head with other numbers than this base's ({@code
   * save_embedding_layers}): these take the base's place wherever the adapter takes part, alone or
   * with others, merged or not. PEFT writes them over the base, where they stay for all adapters
   * and when this one is deleted; here other adapters and the base don't see them, and they go with
   * the adapter. Adapters that bring different ones can't be active together.
   *
   * @param adapterDir holds {@code adapter_config.json} and {@code adapter_model.safetensors}
   * @param isTrainable whether to go on training it
   * @throws io.github.lora4j.error.AdapterMismatchException listing all keys that don't fit
   * @throws IllegalArgumentException if the name is taken or no name
   */
  public void loadAdapter(Path adapterDir, String adapterName, boolean isTrainable) {
    requireOpen();
    adapters.requireNew(adapterName);
    LoraConfig stored = LoraConfig.load(adapterDir);
    requireSameStack(stored);
    LoraConfig config = baseLayers.loaded(stored);
    MatchedModules matched = baseLayers.match(config, NameCheck.LENIENT);
    AdapterWeightsFile.Contents read = read(adapterDir, config, matched);
    try (Generator generator = Generator.of(DEFAULT_SEED)) {
      add(
          new Adapter(adapterName, config, matched, isTrainable),
          new AdapterSource.Stored(read, isTrainable, new FreshUpdate(config, generator)));
    } catch (RuntimeException | Error e) {
      read.close();
      throw e;
    }
  }

  private AdapterWeightsFile.Contents read(
      Path adapterDir, LoraConfig config, MatchedModules matched) {
    return AdapterWeightsFile.read(
        adapterDir, baseLayers.contained(config, matched), base.device());
  }

  private void add(Adapter adapter, AdapterSource source) {
    layers.add(adapter.name(), adapter.config(), adapter.matched(), source);
    adapters.add(adapter);
    look();
  }

  private void requireSameStack(LoraConfig config) {
    if (!config.layerReplication().equals(replication)) {
      throw new IllegalArgumentException(
          "layerReplication: the adapters of one model share its stack, which is %s; found %s"
              .formatted(
                  replication.isEmpty() ? "the base's" : replication, config.layerReplication()));
    }
  }

  private void requireKnown(List<String> names) {
    requireOpen();
    adapters.requireKnown(names);
  }

  /**
   * Lets these adapters take part and no others: {@code model.set_adapter}. Those that may learn do
   * so while they are active, as in PEFT.
   *
   * @throws IllegalArgumentException if there is no such adapter, or two of them have a whole copy
   *     of one layer
   */
  public void setAdapter(String... adapterNames) {
    requireOpen();
    adapters.set(Arrays.stream(adapterNames).distinct().toList());
  }

  /** The adapters that take part, in the order in which they were set. */
  public List<String> activeAdapters() {
    return adapters.active();
  }

  /** The names of all adapters, in the order in which they came. */
  public List<String> adapterNames() {
    return adapters.names();
  }

  /**
   * Makes the weights of adapters learn, or freezes them, whether they are active or not: {@code
   * set_requires_grad}. Setting adapters afterwards keeps it for those that are active.
   */
  public void setRequiresGrad(boolean required, String... adapterNames) {
    requireKnown(List.of(adapterNames));
    adapters.requiresGrad(required, List.of(adapterNames));
  }

  /**
   * Frees an adapter: {@code model.delete_adapter}. If no other one is active, the first of those
   * that are left is set.
   *
   * <p>What {@link #model()} gave before must not be used any more: ask again.
   */
  public void deleteAdapter(String adapterName) {
    requireOpen();
    adapters.delete(adapterName);
    look();
  }

  /** Gives an adapter another name. */
  public void renameAdapter(String adapterName, String newName) {
    requireOpen();
    adapters.rename(adapterName, newName);
  }

  /**
   * Replaces the weights of an adapter by those in a folder, in place: {@code hotswap_adapter}.
   * What {@link #model()} gave before sees them, and an optimizer keeps its tensors.
   *
   * <p>The other adapter may have lower ranks, and layers may be missing in it; no further ones.
   * Scaling and dropout come with it. Unlike in PEFT, updates of embeddings, trained copies, biases
   * and rows of tokens are swapped too, as long as both adapters have the same ones.
   *
   * @throws io.github.lora4j.error.AdapterMismatchException naming what doesn't fit; then nothing
   *     has changed
   */
  public void hotSwap(Path adapterDir, String adapterName) {
    requireKnown(List.of(adapterName));
    adapters.requireUnmerged("weights are swapped");
    LoraConfig stored = LoraConfig.load(adapterDir);
    requireSameStack(stored);
    LoraConfig config = baseLayers.loaded(stored);
    MatchedModules matched = baseLayers.match(config, NameCheck.LENIENT);
    try (AdapterWeightsFile.Contents read = read(adapterDir, config, matched)) {
      Adapter old = adapters.get(adapterName);
      new HotSwap(layers, old, config, matched, read)
          .run(baseLayers.contained(old.config(), old.matched()).others().keySet());
    }
    boolean trainable = adapters.get(adapterName).trainable();
    adapters.describe(new Adapter(adapterName, config, matched, trainable));
  }

  /**
   * The base seen through another adapter in each row of a batch: PEFT's {@code adapter_names}.
   *
   * <p>For evaluation and generation; which adapters are active doesn't matter. Rows of one adapter
   * are computed together, and the base's products for all rows at once.
   *
   * @param adapterNames one for each row of the batches to come; {@code __base__} for none
   * @return borrow it as {@link #model()}
   * @throws IllegalStateException if adapters are merged
   * @throws IllegalArgumentException if there is no such adapter, or one of them changes what can't
   *     be told apart by rows
   */
  @SuppressWarnings("unchecked") // as in look
  public M withAdapterNames(List<String> adapterNames) {
    requireOpen();
    adapters.requireUnmerged("rows use adapters of their own");
    List<String> used =
        adapterNames.stream().distinct().filter(n -> !n.equals(AdapterNames.BASE)).toList();
    requireKnown(used);
    layers.requireRowwise(used);
    return (M) stack.withLinears(layers.byRow(new RowAdapters(adapterNames)));
  }

  /** The layers with their adapters, which stay this model's. */
  AdaptedLayers layers() {
    requireOpen();
    return layers;
  }

  /** One adapter. */
  Adapter adapter(String adapterName) {
    requireKnown(List.of(adapterName));
    return adapters.get(adapterName);
  }

  /** Makes an adapter anew by another configuration; it is active if it was. */
  void replaceAdapter(String adapterName, LoraConfig config) {
    requireOpen();
    List<String> before = adapters.active();
    adapters.clear(adapterName);
    addAdapter(adapterName, config);
    adapters.activate(before);
  }

  // ---- scaling

  /**
   * Multiplies the scaling that an adapter's configuration gives it: {@code set_scale}. A second
   * call replaces the first.
   */
  public void setScale(String adapterName, double scale) {
    requireOpen();
    adapters.scale(adapterName, scale);
  }

  /** Multiplies the scaling of the active adapters: {@code scale_layer}. */
  public void scaleLayer(double scale) {
    requireOpen();
    adapters.scaleActive(scale);
  }

  /** Gives the active adapters the scaling of their configuration: {@code unscale_layer}. */
  public void unscaleLayer() {
    requireOpen();
    adapters.unscaleActive();
  }

  /**
   * Multiplies the scaling of the active adapters until the result is closed: {@code with
   * rescale_adapter_scale(model, multiplier):}.
   */
  public ForwardContext.Region rescaleAdapterScale(double multiplier) {
    requireOpen();
    return adapters.rescaleActive(multiplier);
  }

  // ---- status

  /** How adapters stand at each layer: {@code get_layer_status}. */
  public List<LayerStatus> layerStatus() {
    requireOpen();
    return StatusReport.ofLayers(layers, enabled.isOn(), adapters.active(), adapters.merged());
  }

  /** How adapters stand in the model: {@code get_model_status}. */
  public ModelStatus modelStatus() {
    requireOpen();
    return StatusReport.ofModel(
        base.transformersClass(),
        adapters.all().keySet(),
        layerStatus(),
        trainableParameters(),
        parameterCount(),
        enabled.isOn(),
        adapters.active(),
        adapters.merged());
  }

  // ---- what it is

  /**
   * The base seen through the active adapters: borrow it for logits and generation, don't close it,
   * and ask again after an adapter was added or deleted.
   */
  public M model() {
    requireOpen();
    return view;
  }

  /** The base as it was given. */
  public M baseModel() {
    return base;
  }

  /**
   * The configuration of the first active adapter.
   *
   * @throws IllegalStateException if none is active
   */
  public LoraConfig config() {
    return config(adapters.first());
  }

  /** The configuration of an adapter. */
  public LoraConfig config(String adapterName) {
    requireKnown(List.of(adapterName));
    return adapters.get(adapterName).config();
  }

  /**
   * The names of the layers that the first active adapter trains whole ({@code modulesToSave}), in
   * the model's order.
   */
  public List<String> savedModuleNames() {
    String adapter = adapters.first();
    return layers.linears().stream()
        .filter(layer -> layer.copy(adapter).isPresent())
        .map(AdaptedLinear::name)
        .toList();
  }

  /** The names of the layers that the first active adapter updates, in the model's order. */
  public List<String> targetedModuleNames() {
    String adapter = adapters.first();
    return layers.linears().stream()
        .filter(layer -> layer.update(adapter).isPresent())
        .map(AdaptedLinear::name)
        .toList();
  }

  /**
   * The names of the parameters of experts that the first active adapter updates, in the model's
   * order; routers are among {@link #targetedModuleNames}.
   */
  public List<String> targetedParameterNames() {
    String adapter = adapters.first();
    return layers.experts().stream()
        .filter(layer -> layer.adapters().contains(adapter))
        .map(AdaptedExperts::name)
        .toList();
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
   *
   * <p>All adapters are written, as in PEFT: {@code default} into the folder itself, others into
   * sub-folders with their names.
   */
  @Override
  public void savePretrained(Path adapterDir) {
    savePretrained(adapterDir, adapterNames().toArray(new String[0]));
  }

  /**
   * Writes some of the adapters.
   *
   * @param selectedAdapters their names
   */
  public void savePretrained(Path adapterDir, String... selectedAdapters) {
    save(adapterDir, AdapterFolder.Beside.ITS_BEGINNING, selectedAdapters);
  }

  /**
   * Writes adapters as plain LoRA for the base as it is, whatever they began with: PEFT's {@code
   * path_initial_model_for_weight_conversion}, which needs no other folder here. An adapter that
   * began with PiSSA or OLoRA has twice its rank then; others are written as they are.
   *
   * @param selectedAdapters their names; none for all
   * @throws io.github.lora4j.error.LoraException if one of them rounded the base's weights (LoftQ,
   *     or OLoRA on a quantized base), which no adapter of low rank makes undone
   */
  public void savePlainLora(Path adapterDir, String... selectedAdapters) {
    save(adapterDir, AdapterFolder.Beside.THE_BASE, selectedAdapters);
  }

  /**
   * Writes adapters as plain LoRA for what {@link #unload} makes of the base: the same matrices,
   * and {@code init_lora_weights} true, which PEFT's examples for LoftQ and PiSSA set by hand.
   *
   * @param selectedAdapters their names; none for all
   */
  public void saveForUnloaded(Path adapterDir, String... selectedAdapters) {
    save(adapterDir, AdapterFolder.Beside.THE_REST, selectedAdapters);
  }

  private void save(Path adapterDir, AdapterFolder.Beside beside, String... selectedAdapters) {
    String[] names =
        selectedAdapters.length == 0 && beside != AdapterFolder.Beside.ITS_BEGINNING
            ? adapterNames().toArray(new String[0])
            : selectedAdapters;
    requireKnown(List.of(names));
    for (String name : names) {
      Path folder = name.equals(AdapterNames.DEFAULT) ? adapterDir : adapterDir.resolve(name);
      AdapterFolder.write(folder, base, baseLayers, adapters.get(name), layers, beside);
    }
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
   * Merges the active adapters.
   *
   * <p>Not while another thread computes with {@link #model()}; the same holds for unmerging.
   *
   * @param safeMerge whether to refuse weights that are not finite; then nothing is merged
   */
  public void mergeAdapter(boolean safeMerge) {
    mergeAdapter(safeMerge, adapters.active());
  }

  /**
   * Merges chosen adapters, active or not; {@link #model()} then computes with these alone.
   *
   * @param safeMerge whether to refuse weights that are not finite; then nothing is merged
   * @param adapterNames which
   */
  public void mergeAdapter(boolean safeMerge, List<String> adapterNames) {
    requireOpen();
    adapters.merge(safeMerge, adapterNames);
  }

  /** Takes the adapters out again: the base's weights are the very same bits as before. */
  public void unmergeAdapter() {
    adapters.unmerge();
  }

  /** Whether adapters are merged. */
  public boolean isMerged() {
    return adapters.isMerged();
  }

  /** The adapters that are merged. */
  public List<String> mergedAdapters() {
    return adapters.merged();
  }

  /**
   * Makes a plain model with the active adapters inside, after checking that all weights are
   * finite.
   */
  public M mergeAndUnload() {
    return mergeAndUnload(true);
  }

  /**
   * Makes a plain model with the active adapters inside.
   *
   * @param safeMerge whether to refuse weights that are not finite
   * @return a model of its own for the caller to close; it shares unchanged weights with the base
   *     and may outlive it. To train all of it, save and load it first: else the base would change
   */
  public M mergeAndUnload(boolean safeMerge) {
    return mergeAndUnload(safeMerge, adapters.active());
  }

  /**
   * Makes a plain model with chosen adapters inside.
   *
   * @param adapterNames which, active or not
   * @throws IllegalStateException if the base is quantized: choose a {@link QuantizedMerge}
   */
  public M mergeAndUnload(boolean safeMerge, List<String> adapterNames) {
    return mergeAndUnload(safeMerge, adapterNames, QuantizedMerge.refuse());
  }

  /**
   * Makes a plain model of a quantized base with the active adapters inside, after checking that
   * all weights are finite.
   *
   * @param quantized what becomes of quantized weights
   * @return a model of its own for the caller to close, which may outlive the base
   */
  public M mergeAndUnload(QuantizedMerge quantized) {
    return mergeAndUnload(true, adapters.active(), quantized);
  }

  /**
   * Makes a plain model of a quantized base with chosen adapters inside.
   *
   * @param safeMerge whether to refuse weights that are not finite
   * @param adapterNames which, active or not
   * @param quantized what becomes of quantized weights
   */
  @SuppressWarnings("unchecked") // as in look
  public M mergeAndUnload(boolean safeMerge, List<String> adapterNames, QuantizedMerge quantized) {
    requireKnown(adapterNames);
    layers.requireOneCopy(adapterNames);
    return (M) stack.shareWith(layers.unloading(adapterNames, safeMerge, quantized));
  }

  /** What the beginning of the first active adapter left of the base. */
  public M unload() {
    return unload(adapters.first());
  }

  /**
   * What the beginning of an adapter left of the base, without the adapter: {@code model.unload()}.
   * After PiSSA and OLoRA that is the weights less the part that the adapter holds, after LoftQ the
   * rounded ones; other adapters leave the base as it is.
   *
   * <pre>{@code
   * try (CausalLM rest = peft.unload()) {
   *   rest.savePretrained(baseDir);          // may be loaded in 4 bits
   * }
   * peft.saveForUnloaded(adapterDir);        // goes with it, in PEFT too
   * }</pre>
   *
   * <p>What LoftQ rounded to NF4 loads without any further loss with {@code
   * BitsAndBytesConfig.nf4()} and plain scales ({@code bnb4BitUseDoubleQuant(false)}).
   *
   * @return a model of its own for the caller to close; it shares unchanged weights with the base
   *     and may outlive it
   */
  @SuppressWarnings("unchecked") // as in look
  public M unload(String adapterName) {
    requireKnown(List.of(adapterName));
    return (M) stack.shareWith(layers.without(adapterName));
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
    if (closed) {
      return "closed PeftModel";
    }
    List<String> active = adapters.active();
    String what =
        active.size() == 1 ? "r=" + config().r() : "the adapters " + String.join(", ", active);
    return "PeftModel[%d layers with %s around %s]".formatted(layers.all().size(), what, base);
  }
}
