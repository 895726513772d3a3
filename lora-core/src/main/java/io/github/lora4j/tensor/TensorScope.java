package io.github.lora4j.tensor;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Owns the tensors that are made while it is the innermost open scope of its thread, and frees them
 * when it closes.
 *
 * <pre>{@code
 * try (var scope = TensorScope.open()) {
 *   Tensor h = Functional.linear(x, w);   // freed at the end
 *   return scope.handOver(h.add(x));      // lives on, in the scope around this one or as the caller's own
 * }
 * }</pre>
 *
 * <p>Scopes nest and belong to the thread that opened them. A tensor made outside any scope is its
 * maker's to close; the garbage collector frees a forgotten one some time later.
 */
public final class TensorScope implements AutoCloseable {

  // The innermost scope is a property of the thread, as libtorch's own gradient mode is.
  private static final ThreadLocal<@Nullable TensorScope> INNERMOST = new ThreadLocal<>();

  private static final int COMPACT_AT = 1024;

  private final @Nullable TensorScope outer;
  private final Thread thread;
  private List<Tensor> owned = new ArrayList<>();
  private int compactAt = COMPACT_AT;
  private boolean closed;

  private TensorScope(@Nullable TensorScope outer) {
    this.outer = outer;
    this.thread = Thread.currentThread();
  }

  /** Opens a scope inside the current one of this thread. */
  public static TensorScope open() {
    TensorScope scope = new TensorScope(INNERMOST.get());
    INNERMOST.set(scope);
    return scope;
  }

  /**
   * Gives a tensor to the scope around this one, or to the caller where there is none.
   *
   * @return the same tensor
   */
  public Tensor handOver(Tensor tensor) {
    requireOpen();
    if (tensor.scope() == this) {
      tensor.moveTo(outer);
    }
    return tensor;
  }

  /**
   * Takes a tensor out of all scopes: its memory is the caller's to free with {@link
   * Tensor#close()}.
   *
   * @return the same tensor
   */
  public static Tensor keep(Tensor tensor) {
    tensor.moveTo(null);
    return tensor;
  }

  /**
   * Gives a tensor that is in no scope to the innermost one.
   *
   * @return the same tensor
   */
  static Tensor adopt(Tensor tensor) {
    register(tensor);
    return tensor;
  }

  static void register(Tensor tensor) {
    TensorScope scope = INNERMOST.get();
    if (scope != null) {
      tensor.moveTo(scope);
    }
  }

  void add(Tensor tensor) {
    if (owned.size() >= compactAt) {
      owned.removeIf(t -> t.scope() != this);
      compactAt = Math.max(COMPACT_AT, 2 * owned.size());
    }
    owned.add(tensor);
  }

  /** How many tensors this scope remembers, some of them closed already. */
  int size() {
    return owned.size();
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException("This TensorScope is closed.");
    }
  }

  /**
   * Frees the tensors that this scope still owns. Closing twice is harmless.
   *
   * @throws IllegalStateException if another thread closes it, or a scope inside it is still open
   */
  @Override
  public void close() {
    if (closed) {
      return;
    }
    if (Thread.currentThread() != thread || INNERMOST.get() != this) {
      throw new IllegalStateException(
          "A TensorScope is closed by the thread that opened it, the innermost first: use"
              + " try-with-resources.");
    }
    closed = true;
    if (outer == null) {
      INNERMOST.remove();
    } else {
      INNERMOST.set(outer);
    }
    List<Tensor> mine = owned;
    owned = List.of();
    for (Tensor tensor : mine) {
      if (tensor.scope() == this) {
        tensor.close();
      }
    }
  }
}
