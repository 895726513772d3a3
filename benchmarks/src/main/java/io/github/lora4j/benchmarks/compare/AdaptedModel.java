package io.github.lora4j.benchmarks.compare;

import io.github.lora4j.data.LabelMap;
import io.github.lora4j.model.AutoModelForCausalLM;
import io.github.lora4j.model.AutoModelForSequenceClassification;
import io.github.lora4j.model.CausalLM;
import io.github.lora4j.model.DecoderModel;
import io.github.lora4j.model.LoadOptions;
import io.github.lora4j.model.SequenceClassifier;
import io.github.lora4j.peft.LoraConfig;
import io.github.lora4j.peft.PeftModel;
import io.github.lora4j.peft.TaskType;
import io.github.lora4j.tensor.DType;
import java.nio.file.Path;

/**
 * A base with a fresh adapter, as a task describes them.
 *
 * @param base the checkpoint
 * @param peft the adapter around it
 * @param <M> which head the base has
 */
record AdaptedModel<M extends DecoderModel>(M base, PeftModel<M> peft) implements AutoCloseable {

  /** Classes of a classifier. */
  static final int CLASSES = 4;

  static AdaptedModel<CausalLM> open(Task task) {
    return around(
        AutoModelForCausalLM.fromPretrained(Path.of(task.model()), options(task).build()),
        task,
        TaskType.CAUSAL_LM);
  }

  /** The same base with a fresh head that learns together with the adapter. */
  static AdaptedModel<SequenceClassifier> openClassifier(Task task) {
    return around(
        AutoModelForSequenceClassification.fromPretrained(
            Path.of(task.model()),
            LabelMap.ofSize(CLASSES),
            options(task).padTokenId(RandomTokens.PAD_ID).build()),
        task,
        TaskType.SEQ_CLS);
  }

  /** How a task's base is loaded. */
  static LoadOptions.Builder options(Task task) {
    return LoadOptions.builder().dtype(DType.byName(task.dtype()).orElseThrow());
  }

  private static <M extends DecoderModel> AdaptedModel<M> around(
      M base, Task task, TaskType taskType) {
    return new AdaptedModel<>(base, PeftModel.wrap(base, config(task, taskType)));
  }

  /** A task's adapter. */
  static LoraConfig config(Task task, TaskType taskType) {
    return LoraConfig.builder()
        .r(task.r())
        .alpha(task.alpha())
        .targetModules(task.targets().toArray(String[]::new))
        .taskType(taskType)
        .build();
  }

  /** Random tokens that the base knows. */
  RandomTokens tokens() {
    return new RandomTokens(base.spec().vocabSize());
  }

  @Override
  public void close() {
    peft.close();
    base.close();
  }
}
