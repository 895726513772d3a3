package io.github.lora4j.peft;

/**
 * One adapter of a {@link PeftModel}.
 *
 * @param matched what the configuration means for the model
 * @param trainable whether it learns when it is active
 */
record Adapter(String name, LoraConfig config, MatchedModules matched, boolean trainable) {

  Adapter named(String other) {
    return new Adapter(other, config, matched, trainable);
  }

  Adapter trainable(boolean learns) {
    return new Adapter(name, config, matched, learns);
  }

  Adapter config(LoraConfig other) {
    return new Adapter(name, other, matched, trainable);
  }
}
