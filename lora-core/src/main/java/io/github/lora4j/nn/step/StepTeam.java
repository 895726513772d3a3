package io.github.lora4j.nn.step;

import io.github.lora4j.tensor.RowKernels;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * The calling thread and helpers that run one program together, meeting at barriers.
 *
 * <p>A step of decoding has hundreds of barriers, so waiting is spinning: waking a thread takes
 * longer than what there is to wait for. Between two steps helpers spin for a moment, then sleep.
 */
public final class StepTeam implements AutoCloseable {

  /** Helpers of all teams together: more than there are cores would only take turns. */
  private static final Semaphore HELPERS =
      new Semaphore(Math.max(0, Runtime.getRuntime().availableProcessors() - 1));

  /** More threads than this find memory no faster. */
  private static final int MOST = 8;

  /** Looks at a flag before the processor is offered to others. */
  private static final int SPINS = 20_000;

  private final List<Thread> helpers = new ArrayList<>();
  private final AtomicLong arrivals = new AtomicLong(); // at all barriers of all runs
  private final AtomicInteger failed = new AtomicInteger(); // helpers
  private final int count;
  private volatile long run;
  private volatile boolean closed;
  private volatile @Nullable IntConsumer program;
  private volatile @Nullable Throwable failure;

  private StepTeam(int count) {
    this.count = count;
  }

  /**
   * Starts the helpers that are free, none if other teams have them all.
   *
   * @param atMost threads that are wanted, the caller's included
   */
  public static StepTeam start(int atMost) {
    int wanted = Math.min(atMost, MOST) - 1;
    int free = 0;
    while (free < wanted && HELPERS.tryAcquire()) {
      free++;
    }
    StepTeam team = new StepTeam(free + 1);
    for (int i = 1; i <= free; i++) {
      int index = i;
      Thread helper = new Thread(() -> team.help(index), "lora4j-decoding-" + i);
      helper.setDaemon(true);
      team.helpers.add(helper);
      helper.start();
    }
    return team;
  }

  /** How many threads there are, the caller's included. */
  public int count() {
    return count;
  }

  /**
   * Runs a program in all threads, which must meet at the same barriers; a team in which one has
   * failed can't run again.
   *
   * @param each takes a thread's index, from 0, the caller's
   */
  public void run(IntConsumer each) {
    if (closed) {
      throw new IllegalStateException("This team is closed.");
    }
    if (failure != null) {
      throw new IllegalStateException("An earlier step of this team failed.", failure);
    }
    program = each;
    run++; // only this thread writes it
    helpers.forEach(LockSupport::unpark);
    try (RowKernels.Region alone = RowKernels.oneThread()) {
      work(each, 0);
    }
  }

  private void work(IntConsumer each, int index) {
    try {
      each.accept(index);
      barrier();
    } catch (RuntimeException | Error e) {
      if (failure == null) {
        failure = e;
      }
      if (index == 0) {
        awaitOthers();
        throw e;
      }
      failed.incrementAndGet();
    }
  }

  /** Waits until no helper works on this run any more: its arrays may be gone then. */
  private void awaitOthers() {
    // Each helper sees the failure at its next barrier, or has failed itself.
    int spins = 0;
    while (failed.get() < count - 1) {
      spins = pause(spins);
    }
  }

  /** Waits for all threads of the run. */
  public void barrier() {
    if (count == 1) {
      return;
    }
    long arrived = arrivals.incrementAndGet();
    long all = (arrived + count - 1) / count * count;
    int spins = 0;
    while (arrivals.get() < all) {
      if (failure != null) {
        throw new IllegalStateException("Another thread of this decoding step failed.", failure);
      }
      spins = pause(spins);
    }
  }

  private static int pause(int spins) {
    if (spins < SPINS) {
      Thread.onSpinWait();
      return spins + 1;
    }
    Thread.yield();
    return spins;
  }

  private void help(int index) {
    try {
      RowKernels.oneThreadFromNowOn();
      long seen = 0;
      int spins = 0;
      while (!closed) {
        long now = run;
        IntConsumer each = program;
        if (now != seen && each != null) {
          seen = now;
          spins = 0;
          work(each, index);
        } else if (spins < SPINS) {
          spins++;
          Thread.onSpinWait();
        } else {
          LockSupport.park(this);
        }
      }
    } finally {
      HELPERS.release();
    }
  }

  @Override
  public void close() {
    closed = true;
    helpers.forEach(LockSupport::unpark);
    for (Thread helper : helpers) {
      boolean interrupted = false;
      while (helper.isAlive()) {
        try {
          helper.join();
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
