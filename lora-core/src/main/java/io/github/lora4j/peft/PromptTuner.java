package io.github.lora4j.peft;

import io.github.lora4j.error.LoraException;
import io.github.lora4j.model.DecoderModel;
import io.github.lora4j.model.DecoderSpec;
import io.github.lora4j.nn.DenseLinear;
import io.github.lora4j.nn.ForwardContext;
import io.github.lora4j.nn.LayerChange;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Generator;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Virtual tokens before every sequence. */
final class PromptTuner implements Tuner {

  /** What PEFT calls what a prompt encoder gives. */
  static final String TENSOR = "prompt_embeddings";

  /** Before the names of a model's modules, without a tuner between them. */
  static final String PREFIX = "base_model.";

  private final PromptTuningConfig config;
  private final PromptEmbeddings prompt;
  private final SavedCopies saved;

  /** Makes the adapter or reads it. */
  PromptTuner(TunerModules modules, PromptTuningConfig given, TunerSource source) {
    DecoderModel base = modules.base();
    TaskType task = modules.task(given.taskType());
    List<String> savedNames = modules.savedNames(given.modulesToSave(), Optional.of(task));
    this.config =
        given.toBuilder()
            .taskType(task)
            .modulesToSave(savedNames.toArray(new String[0]))
            .shape(given.shape().checked(shapeOf(base)))
            .build();
    List<DenseLinear> copied = modules.saved(given.modulesToSave(), savedNames, source.check());
    long[] shape = {config.numVirtualTokens(), base.spec().embeddingSize()};
    Map<String, TunerSource.Parameter> expected = new LinkedHashMap<>();
    expected.put(TENSOR, TunerSource.Parameter.of(shape, () -> fresh(base, source, shape)));
    SavedCopies.expect(copied, PREFIX, expected);
    Map<String, Tensor> parameters = source.parameters(expected, base.device());
    this.prompt = new PromptEmbeddings(parameters.get(TENSOR));
    this.saved = new SavedCopies(copied, PREFIX, parameters);
  }

  private static PromptShape shapeOf(DecoderModel base) {
    DecoderSpec spec = base.spec();
    return PromptShape.of(
        spec.embeddingSize(),
        spec.blocks().get(0).attention().shape().heads(),
        spec.numHiddenLayers());
  }

  private Tensor fresh(DecoderModel base, TunerSource source, long[] shape) {
    Generator generator = ((TunerSource.Fresh) source).generator();
    return switch (config.promptTuningInit()) {
      case RANDOM -> Tensor.normal(0, 1, generator, shape);
      case SAMPLE_VOCAB -> vectors(base, sampled(generator, base.spec().vocabSize()));
      case TEXT -> vectors(base, textIds());
    };
  }

  private long[] sampled(Generator generator, int vocabSize) {
    try (TensorScope scope = TensorScope.open()) {
      float[] shares = Tensor.uniform(0, 1, generator, config.numVirtualTokens()).toFloatArray();
      long[] ids = new long[shares.length];
      for (int i = 0; i < ids.length; i++) {
        ids[i] = Math.min(vocabSize - 1L, (long) (shares[i] * (double) vocabSize));
      }
      return ids;
    }
  }

  private long[] textIds() {
    List<Integer> given = config.initTokenIds();
    if (given.isEmpty()) {
      throw new IllegalStateException(
          "promptTuningInit is TEXT, but the text has no tokens: give it with its tokenizer, as"
              + " PromptTuningConfig.builder().promptTuningInitText(text, tokenizer,"
              + " tokenizerNameOrPath) does");
    }
    long[] ids = new long[config.numVirtualTokens()];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = given.get(i % given.size());
    }
    return ids;
  }

  private static Tensor vectors(DecoderModel base, long[] ids) {
    int vocabSize = base.spec().vocabSize();
    for (long id : ids) {
      if (id < 0 || id >= vocabSize) {
        throw new IllegalArgumentException(
            "initTokenIds: expected ids in [0, "
                + vocabSize
                + "), found "
                + id
                + ". Is this the model's own tokenizer?");
      }
    }
    Tensor rows = Tensor.of(ids, 1, ids.length).to(base.device());
    Tensor found = base.embeddings().get(0).forward(rows, ForwardContext.eval());
    return found
        .to(DType.F32)
        .mul(base.spec().embedding().scale())
        .reshape(ids.length, found.size(-1));
  }

  @Override
  public PromptTuningConfig config() {
    return config;
  }

  @Override
  public DecoderModel view(DecoderModel base) {
    return base.withLinears(saved::replace).withVirtualTokens(prompt);
  }

  @Override
  public Map<String, Tensor> tensors() {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    tensors.put(TENSOR, prompt.weight());
    saved.forEach(PREFIX, tensors::put);
    return tensors;
  }

  @Override
  public Map<String, @Nullable Object> keys() {
    Map<String, @Nullable Object> keys = config.shape().keys();
    keys.put("num_virtual_tokens", config.numVirtualTokens());
    keys.put("modules_to_save", ConfigValues.nullIfEmpty(config.modulesToSave()));
    keys.put("prompt_tuning_init", config.promptTuningInit().name());
    keys.put("prompt_tuning_init_text", config.promptTuningInitText().orElse(null));
    keys.put("tokenizer_name_or_path", config.tokenizerNameOrPath().orElse(null));
    keys.put(
        "tokenizer_kwargs", config.tokenizerKwargs().isEmpty() ? null : config.tokenizerKwargs());
    return keys;
  }

  @Override
  public List<String> targets() {
    return List.of();
  }

  @Override
  public LayerChange unloading(boolean safe) {
    throw new LoraException(
        "Virtual tokens can't be merged: no plain model has them before every sequence. Use the"
            + " adapter beside its base.");
  }

  @Override
  public void close() {
    prompt.close();
    saved.close();
  }
}
