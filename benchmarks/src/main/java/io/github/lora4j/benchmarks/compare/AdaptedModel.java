package io.github.lora4j.benchmarks.compare;

import io.github.lora4j.model.AutoModelForCausalLM;
import io.github.lora4j.model.CausalLM;
import io.github.lora4j.model.LoadOptions;
import io.github.lora4j.peft.LoraConfig;
import io.github.lora4j.peft.PeftModel;
import io.github.lora4j.tensor.DType;
import java.nio.file.Path;

/**
 * A base with a fresh adapter, as a task describes them.
 *
 * @param base the checkpoint
 * @param peft the adapter around it
 */
record AdaptedModel(CausalLM base, PeftModel<CausalLM> peft) implements AutoCloseable {

  static AdaptedModel open(Task task) {
    DType dtype = DType.byName(task.dtype()).orElseThrow();
    CausalLM base =
        AutoModelForCausalLM.fromPretrained(
            Path.of(task.model()), LoadOptions.builder().dtype(dtype).build());
    LoraConfig config =
        LoraConfig.builder()
            .r(task.r())
            .alpha(task.alpha())
            .targetModules(task.targets().toArray(String[]::new))
            .build();
    return new AdaptedModel(base, PeftModel.wrap(base, config));
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
