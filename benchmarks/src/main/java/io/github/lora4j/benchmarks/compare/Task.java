package io.github.lora4j.benchmarks.compare;

import java.util.List;

/**
 * What a child on either side is told to measure, as JSON on its standard input.
 *
 * @param kind what to measure
 * @param model folder of the checkpoint
 * @param dtype what to load it in, by PyTorch's name
 * @param r rank of the adapter
 * @param alpha its scale is this over the rank
 * @param targets names of the layers that carry it
 * @param variant what differs from the plain case
 * @param batch rows
 * @param length tokens in a row or a prompt, or the most of them, or the side of a square matrix
 * @param newTokens tokens to generate
 * @param warmup steps that don't count
 * @param steps steps that count
 * @param started when the child was started, in seconds since 1970
 */
record Task(
    Kind kind,
    String model,
    String dtype,
    int r,
    int alpha,
    List<String> targets,
    Variant variant,
    int batch,
    int length,
    int newTokens,
    int warmup,
    int steps,
    double started) {

  /** The same, started now. */
  Task startedAt(double seconds) {
    return new Task(
        kind, model, dtype, r, alpha, targets, variant, batch, length, newTokens, warmup, steps,
        seconds);
  }

  /** Steps in all. */
  int allSteps() {
    return warmup + steps;
  }
}
