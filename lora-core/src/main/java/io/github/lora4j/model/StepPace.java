package io.github.lora4j.model;

/**
 * Whether the next step is made by all threads or by one alone, going by how long steps take.
 *
 * <p>Threads that meet at barriers hundreds of times a step are as slow as the slowest of them.
 * Where other programs want the same cores, the system stops one now and then for some
 * milliseconds, and all wait: then a single thread is several times faster than two. So steps go on
 * alone for a while when several took too long, and then all are tried again.
 */
final class StepPace {

  /** What is too long beside the fastest step so far, before a single thread's time is known. */
  private static final double LONG = 1.6;

  /** How fast an old best time is forgotten: steps get longer as the text does. */
  private static final double FORGET = 1.005;

  private static final int SLOW = 2;
  private static final int TOO_MANY = 4;
  private static final int TRIAL = 4;
  private static final int SHORTEST_REST = 32;
  private static final int LONGEST_REST = 256;

  private double best = Double.POSITIVE_INFINITY; // of all threads
  private double alone = Double.POSITIVE_INFINITY; // of one, as an average of late
  private int slow; // weighs slow steps against fast ones of late
  private int rest = SHORTEST_REST;
  private int left; // steps that one thread makes yet
  private int trial; // steps of all threads that are compared yet
  private double tried;

  /** Whether all threads make the next step. */
  boolean together() {
    return left == 0;
  }

  /** Takes how long that step took, in any unit. */
  void took(double time) {
    if (left > 0) {
      alone = Double.isInfinite(alone) ? time : 0.8 * alone + 0.2 * time;
      left--;
      if (left == 0) {
        trial = TRIAL;
        tried = 0;
      }
      return;
    }
    best = Math.min(best * FORGET, time);
    if (trial > 0) {
      tried += time;
      trial--;
      if (trial == 0 || tried > TRIAL * alone) {
        trial = 0;
        judge(tried / TRIAL);
      }
      return;
    }
    boolean late = time > (Double.isInfinite(alone) ? LONG * best : Math.max(alone, best));
    slow = late ? slow + SLOW : Math.max(0, slow - 1);
    if (slow >= TOO_MANY) {
      goAlone();
    }
  }

  private void judge(double together) {
    if (together < alone) {
      rest = SHORTEST_REST;
      slow = 0;
    } else {
      rest = Math.min(2 * rest, LONGEST_REST);
      goAlone();
    }
  }

  private void goAlone() {
    left = rest;
    slow = 0;
  }
}
