package io.github.lora4j.examples.cli;

import io.github.lora4j.model.AutoModelForCausalLM;
import io.github.lora4j.model.CausalLM;
import io.github.lora4j.peft.PeftModel;
import java.nio.file.Path;
import java.util.Optional;

/** A causal language model, seen through an adapter where one is given. */
final class LoadedModel implements AutoCloseable {

  private final CausalLM base;
  private final Optional<PeftModel<CausalLM>> adapted;

  private LoadedModel(CausalLM base, Optional<PeftModel<CausalLM>> adapted) {
    this.base = base;
    this.adapted = adapted;
  }

  static LoadedModel open(ModelOptions options, Optional<Path> adapter) {
    CausalLM base = AutoModelForCausalLM.fromPretrained(options.dir(), options.loadOptions());
    try {
      return new LoadedModel(base, adapter.map(dir -> PeftModel.fromPretrained(base, dir)));
    } catch (RuntimeException e) {
      base.close();
      throw e;
    }
  }

  /** The model to ask; closed with this. */
  CausalLM model() {
    return adapted.map(PeftModel::model).orElse(base);
  }

  @Override
  public void close() {
    adapted.ifPresent(PeftModel::close);
    base.close();
  }
}
