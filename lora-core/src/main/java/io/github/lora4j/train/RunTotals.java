package io.github.lora4j.train;

import io.github.lora4j.data.Batch;

/**
 * What a run has consumed so far.
 *
 * @param examples examples that went through the model
 * @param inputTokens their tokens without padding
 * @param floatingPointOperations the usual estimate: 6 times tokens with padding times parameters
 */
record RunTotals(long examples, long inputTokens, double floatingPointOperations) {

  static final RunTotals NONE = new RunTotals(0, 0, 0);

  RunTotals plus(Batch batch, long parameterCount) {
    return new RunTotals(
        examples + batch.size(),
        inputTokens + batch.tokens(),
        floatingPointOperations + 6.0 * batch.inputIds().length * parameterCount);
  }
}
