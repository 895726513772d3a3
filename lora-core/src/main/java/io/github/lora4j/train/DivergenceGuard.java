package io.github.lora4j.train;

import io.github.lora4j.error.TrainingDivergedException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.stream.Collectors;

/** Stops a run before a number that is NaN or infinite reaches the parameters. */
final class DivergenceGuard {

  private static final int REMEMBERED = 5;

  private final Deque<Double> recentLosses = new ArrayDeque<>();

  /** Remembers the loss of a completed update. */
  void completed(double loss) {
    if (recentLosses.size() == REMEMBERED) {
      recentLosses.removeFirst();
    }
    recentLosses.addLast(loss);
  }

  /**
   * Checks a number of the update that is about to be applied.
   *
   * @param what the number's name, such as {@code loss}
   * @throws TrainingDivergedException if it isn't finite
   */
  void requireFinite(String what, double value, int step, double learningRate) {
    if (Double.isFinite(value)) {
      return;
    }
    String before =
        recentLosses.isEmpty()
            ? "no update came before it"
            : "the losses before it: "
                + recentLosses.stream()
                    .map(PythonFloat::readable)
                    .collect(Collectors.joining(", "));
    String advice =
        recentLosses.isEmpty()
            ? "Check that the model gives finite logits in this dtype (F16 overflows where BF16 and"
                + " F32 don't) and that every token id is in its vocabulary."
            : "Lower learningRate (now %s), add warm-up, or set maxGradNorm."
                .formatted(PythonFloat.readable(learningRate));
    throw new TrainingDivergedException(
        "The %s of step %d is %s; %s. The update was not applied. %s"
            .formatted(what, step, value, before, advice));
  }

  /**
   * Checks the loss of an evaluation; nothing is about to be applied there.
   *
   * @param when such as {@code " after step 5"}; empty outside of a run
   */
  static void requireFiniteEvaluation(double loss, String when) {
    if (!Double.isFinite(loss)) {
      throw new TrainingDivergedException(
          ("The evaluation loss%s is %s. Check that the model gives finite logits in this dtype"
                  + " (F16 overflows where BF16 and F32 don't).")
              .formatted(when, loss));
    }
  }
}
