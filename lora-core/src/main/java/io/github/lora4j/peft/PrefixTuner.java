package io.github.lora4j.peft;

import io.github.lora4j.error.AdapterMismatchException;
import io.github.lora4j.error.LoraException;
import io.github.lora4j.model.DecoderModel;
import io.github.lora4j.nn.AttentionShape;
import io.github.lora4j.nn.DenseLinear;
import io.github.lora4j.nn.LayerChange;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Generator;
import io.github.lora4j.tensor.Tensor;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/** Keys and values before every sequence, in every layer. */
final class PrefixTuner implements Tuner {

  private static final String TENSOR = PromptTuner.TENSOR;
  private static final String PREFIX = PromptTuner.PREFIX;

  private final PrefixTuningConfig config;
  private final PrefixEncoder encoder;
  private final SavedCopies saved;

  /** Makes the adapter or reads it. */
  PrefixTuner(TunerModules modules, PrefixTuningConfig given, TunerSource source) {
    DecoderModel base = modules.base();
    AttentionShape shape = sameInAllLayers(base);
    int tokenDim = shape.kvHeads() * shape.headDim();
    TaskType task = modules.task(given.taskType());
    List<String> savedNames = modules.savedNames(given.modulesToSave(), Optional.of(task));
    PrefixTuningConfig.Builder complete =
        given.toBuilder()
            .taskType(task)
            .modulesToSave(savedNames.toArray(new String[0]))
            .shape(
                given
                    .shape()
                    .checked(
                        PromptShape.of(tokenDim, shape.kvHeads(), base.spec().numHiddenLayers())));
    this.config = complete.encoderHiddenSize(given.encoderHiddenSize().orElse(tokenDim)).build();
    List<DenseLinear> copied = modules.saved(given.modulesToSave(), savedNames, source.check());
    Map<String, TunerSource.Parameter> expected = new LinkedHashMap<>();
    if (source instanceof TunerSource.Fresh drawn && config.prefixProjection()) {
      expectNetwork(expected, tokenDim, drawn.generator());
    } else {
      expectFlat(expected, tokenDim, source);
    }
    SavedCopies.expect(copied, PREFIX, expected);
    Map<String, Tensor> parameters = source.parameters(expected, base.device());
    this.encoder =
        new PrefixEncoder(
            parameters.get(TENSOR),
            Optional.ofNullable(parameters.get("transform.0.weight"))
                .map(
                    in ->
                        new PrefixEncoder.Projection(
                            in,
                            parameters.get("transform.0.bias"),
                            parameters.get("transform.2.weight"),
                            parameters.get("transform.2.bias"))),
            base.spec().numHiddenLayers(),
            shape.kvHeads());
    this.saved = new SavedCopies(copied, PREFIX, parameters);
  }

  private static AttentionShape sameInAllLayers(DecoderModel base) {
    List<AttentionShape> shapes =
        base.spec().blocks().stream().map(block -> block.attention().shape()).toList();
    AttentionShape first = shapes.get(0);
    if (shapes.stream()
        .anyMatch(s -> s.kvHeads() != first.kvHeads() || s.headDim() != first.headDim())) {
      throw new AdapterMismatchException(
          "Prefix tuning needs keys and values of the same size in all layers, which this model"
              + " doesn't have");
    }
    return first;
  }

  private void expectFlat(
      Map<String, TunerSource.Parameter> expected, int tokenDim, TunerSource source) {
    if (source instanceof TunerSource.Stored stored
        && stored.trainable()
        && config.prefixProjection()) {
      throw new AdapterMismatchException(
          stored.folder()
              + ": a prefix that was computed by a network is saved without it, so that its"
              + " training can't go on: load it for evaluation, or wrap the model afresh");
    }
    long[] shape = {config.numVirtualTokens(), 2L * numLayers() * tokenDim};
    expected.put(TENSOR, TunerSource.Parameter.of(shape, () -> drawn(source, shape)));
  }

  private Tensor drawn(TunerSource source, long... shape) {
    return config.zeroInit()
        ? Tensor.zeros(DType.F32, Device.CPU, shape)
        : Tensor.normal(0, 1, ((TunerSource.Fresh) source).generator(), shape);
  }

  private void expectNetwork(
      Map<String, TunerSource.Parameter> expected, long tokenDim, Generator generator) {
    long hidden = config.encoderHiddenSize().orElseThrow();
    long all = 2 * numLayers() * tokenDim;
    long[] tokens = {config.numVirtualTokens(), tokenDim};
    expected.put(
        TENSOR, TunerSource.Parameter.of(tokens, () -> Tensor.normal(0, 1, generator, tokens)));
    double in = 1 / Math.sqrt(tokenDim);
    double out = config.zeroInit() ? 0 : 1 / Math.sqrt(hidden);
    expectUniform(expected, "transform.0.weight", in, generator, hidden, tokenDim);
    expectUniform(expected, "transform.0.bias", in, generator, hidden);
    expectUniform(expected, "transform.2.weight", out, generator, all, hidden);
    expectUniform(expected, "transform.2.bias", out, generator, all);
  }

  private static void expectUniform(
      Map<String, TunerSource.Parameter> expected,
      String name,
      double bound,
      Generator generator,
      long... shape) {
    expected.put(
        name,
        TunerSource.Parameter.of(shape, () -> Tensor.uniform(-1, 1, generator, shape).mul(bound)));
  }

  private int numLayers() {
    return config.shape().numLayers().orElseThrow();
  }

  @Override
  public PrefixTuningConfig config() {
    return config;
  }

  @Override
  public DecoderModel view(DecoderModel base) {
    return base.withLinears(saved::replace).withPrefix(encoder);
  }

  @Override
  public Map<String, Tensor> tensors() {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    tensors.put(TENSOR, encoder.flat());
    saved.forEach(PREFIX, tensors::put);
    return tensors;
  }

  @Override
  public Map<String, @Nullable Object> keys() {
    Map<String, @Nullable Object> keys = config.shape().keys();
    keys.put("num_virtual_tokens", config.numVirtualTokens());
    keys.put("modules_to_save", ConfigValues.nullIfEmpty(config.modulesToSave()));
    OptionalInt hidden = config.encoderHiddenSize();
    keys.put("encoder_hidden_size", hidden.orElseThrow());
    keys.put("prefix_projection", config.prefixProjection());
    keys.put("init_weights", config.zeroInit() ? "zero" : null);
    return keys;
  }

  @Override
  public List<String> targets() {
    return List.of();
  }

  @Override
  public LayerChange unloading(boolean safe) {
    throw new LoraException(
        "A prefix can't be merged: no plain model has keys and values before every sequence. Use"
            + " the adapter beside its base.");
  }

  @Override
  public void close() {
    encoder.close();
    saved.close();
  }
}
