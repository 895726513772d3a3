package io.github.lora4j.tensor;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.bytedeco.pytorch.TensorBase;
import org.bytedeco.pytorch.VoidTensorHook;
import org.jspecify.annotations.Nullable;

/**
 * Actions that run in the middle of libtorch's own backward pass: {@code
 * torch.Tensor.register_hook}.
 *
 * <p>With them, products can share the memory of what they read on the way back: an action fills it
 * again just before. Belongs to the thread that opened it, and has to stay open until the backward
 * pass is over, since libtorch doesn't own the actions.
 */
public final class GradientHooks implements AutoCloseable {

  // A property of the thread, as libtorch's own gradient mode is.
  private static final ThreadLocal<@Nullable GradientHooks> CURRENT = new ThreadLocal<>();

  private final @Nullable GradientHooks outer;
  private final List<Hook> hooks = new ArrayList<>();
  private final Map<Object, Shared> shared = new HashMap<>();
  private final List<Tensor> kept = new ArrayList<>();
  private boolean closed;

  private GradientHooks(@Nullable GradientHooks outer) {
    this.outer = outer;
  }

  /** Makes hooks possible on this thread until it is closed. */
  public static GradientHooks open() {
    GradientHooks hooks = new GradientHooks(CURRENT.get());
    CURRENT.set(hooks);
    return hooks;
  }

  /** Those of this thread; empty where none are open. */
  public static Optional<GradientHooks> current() {
    return Optional.ofNullable(CURRENT.get());
  }

  /**
   * Runs an action once the gradient of a result is known, before libtorch goes on to what the
   * result was computed from.
   *
   * @param result of an operation that is recorded for gradients
   * @param action makes no gradients of its own; runs on the thread of the backward pass
   */
  public void before(Tensor result, Runnable action) {
    Hook hook = new Hook(action);
    hook.retainReference();
    hooks.add(hook);
    result.handle().register_hook(hook);
  }

  /** A handle on a tensor that is freed when this is closed. */
  public Tensor keep(Tensor tensor) {
    Tensor handle = TensorScope.keep(tensor.detach());
    kept.add(handle);
    return handle;
  }

  /** Something that is made once and freed when this is closed. */
  public interface Shared {

    /** Frees it. */
    void close();
  }

  /**
   * What users of one key share until this is closed.
   *
   * @param key says what it is
   * @param make makes it for the first of them
   */
  @SuppressWarnings("unchecked") // a key stands for one kind of thing
  public <T extends Shared> T shared(Object key, Supplier<T> make) {
    return (T) shared.computeIfAbsent(key, k -> make.get());
  }

  /** Forgets all actions. Closing twice is harmless. */
  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    if (CURRENT.get() != this) {
      throw new IllegalStateException(
          "GradientHooks are closed by the thread that opened them, the innermost first.");
    }
    if (outer == null) {
      CURRENT.remove();
    } else {
      CURRENT.set(outer);
    }
    hooks.forEach(Hook::forget);
    kept.forEach(Tensor::close);
    shared.values().forEach(Shared::close);
  }

  /** libtorch holds the native side of it only. */
  private static final class Hook extends VoidTensorHook {
    private final Runnable action;

    Hook(Runnable action) {
      this.action = action;
    }

    @Override
    public void call(TensorBase gradient) {
      gradient.close(); // a handle of our own, which would otherwise wait for the garbage collector
      action.run();
    }

    void forget() {
      releaseReference();
    }
  }
}
