package io.github.lora4j.train;

/** What a callback, or another thread that holds on to it, can ask of a running training. */
public final class TrainerControl {

  private volatile boolean stop;

  TrainerControl() {}

  /**
   * Ends training after the current update, with its log line, evaluation and checkpoint if any is
   * due then. {@link Trainer#train()} returns normally, with the numbers of what really ran.
   */
  public void requestStop() {
    stop = true;
  }

  /** Whether somebody asked to stop. */
  public boolean stopRequested() {
    return stop;
  }
}
