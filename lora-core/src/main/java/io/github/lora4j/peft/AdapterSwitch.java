package io.github.lora4j.peft;

/** Whether the adapter of one {@link PeftModel} takes part; read by all its layers. */
final class AdapterSwitch {

  private volatile boolean on = true;

  boolean isOn() {
    return on;
  }

  void set(boolean on) {
    this.on = on;
  }
}
