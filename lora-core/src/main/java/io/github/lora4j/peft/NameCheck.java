package io.github.lora4j.peft;

/** What becomes of names in a configuration that nothing in the model bears. */
enum NameCheck {
  /** They are errors: for a configuration that somebody wrote. PEFT would train without a word. */
  STRICT,
  /**
   * They are warnings, as in PEFT: for a configuration that came with trained weights, whose keys
   * say more exactly what has to be there.
   */
  LENIENT
}
