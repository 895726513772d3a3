package io.github.lora4j.tensor;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Node;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;

/**
 * Remembers functions whose gradients are written by hand ({@link CustomFunction}) and goes back
 * through them, and through the stretches of libtorch's own graph between them.
 *
 * <p>While a tape is open on a thread, layers may use such functions though gradients are wanted.
 * Their results can be given to any operation: what libtorch records and what the tape records mix
 * freely. Go backward with {@link #backward} of the tape, not with {@link Functional#backward},
 * which would stop at the first function of the tape.
 *
 * <p>A tape belongs to the thread that opened it and serves one backward pass.
 */
public final class Tape implements AutoCloseable {

  // A property of the thread, as libtorch's own gradient mode is.
  private static final ThreadLocal<@Nullable Tape> CURRENT = new ThreadLocal<>();

  private final @Nullable Tape outer;
  private final List<TapeEntry> entries = new ArrayList<>();
  private final Map<Tensor, TapeEntry> byResult = new IdentityHashMap<>();
  private boolean closed;

  private Tape(@Nullable Tape outer) {
    this.outer = outer;
  }

  /** Starts to record on this thread. */
  public static Tape open() {
    Tape tape = new Tape(CURRENT.get());
    CURRENT.set(tape);
    return tape;
  }

  static @Nullable Tape current() {
    return CURRENT.get();
  }

  /** Where the gradient of a function's input goes. */
  TapeEntry entryOf(Tensor input) {
    TapeEntry known = byResult.get(input);
    if (known != null) {
      return known;
    }
    Tensor alias = TensorScope.keep(input.alias());
    TapeEntry entry = alias.isLeaf() ? new LeafEntry(alias) : new StretchEntry(alias);
    add(input, entry);
    return entry;
  }

  /** What made a tensor, if a function of this tape did. */
  @Nullable TapeEntry callOf(Tensor result) {
    return byResult.get(result);
  }

  void add(Tensor result, TapeEntry entry) {
    entries.add(entry);
    byResult.put(result, entry);
  }

  /**
   * Adds the gradients of all leaves below a tensor, as libtorch's backward does.
   *
   * @param output what was computed while this tape was open
   * @param gradient of the same shape
   */
  public void backward(Tensor output, Tensor gradient) {
    if (closed) {
      throw new IllegalStateException("This tape is closed: it serves one backward pass.");
    }
    try (NoGrad noGrad = NoGrad.open()) {
      entryOf(output).accumulate(gradient.alias(), false);
      // Whatever uses a result was recorded after it.
      for (int i = entries.size() - 1; i >= 0; i--) {
        try (TensorScope scope = TensorScope.open()) {
          entries.get(i).backward();
        }
        entries.get(i).close();
      }
    } finally {
      close();
    }
  }

  /** Forgets everything and stops recording. Closing twice is harmless. */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      if (CURRENT.get() != this) {
        throw new IllegalStateException(
            "A Tape is closed by the thread that opened it, the innermost first.");
      }
      if (outer == null) {
        CURRENT.remove();
      } else {
        CURRENT.set(outer);
      }
      entries.forEach(TapeEntry::close);
      entries.clear();
      byResult.clear();
    }
  }

  /** A tensor that libtorch keeps the gradient of: a parameter, or what the caller began with. */
  private static final class LeafEntry extends TapeEntry {
    private final Tensor leaf;

    LeafEntry(Tensor leaf) {
      this.leaf = leaf;
    }

    @Override
    void backward() {
      boolean alone = isOurs();
      Tensor gradient = takeGradient();
      if (gradient != null) {
        leaf.addToGrad(alone ? gradient : gradient.copy());
      }
    }

    @Override
    void close() {
      super.close();
      leaf.close();
    }
  }

  /** A tensor that libtorch computed and recorded. */
  private static final class StretchEntry extends TapeEntry {
    private final Tensor result;

    StretchEntry(Tensor result) {
      this.result = result;
    }

    @Override
    void backward() {
      Tensor gradient = takeGradient();
      if (gradient != null) {
        // Other results may stand on the same graph.
        Functional.backward(result, gradient, true);
      }
    }

    @Override
    void close() {
      super.close();
      result.close();
    }
  }

  /** Lets libtorch's graph above a result end in a leaf that holds its gradient but no memory. */
  static Tensor gradientHolder(Tensor result) {
    try (TensorScope scope = TensorScope.open()) {
      long[] ones = new long[result.dim()];
      Arrays.fill(ones, 1);
      Tensor holder =
          Tensor.zeros(result.dtype(), result.device(), ones)
              .expand(result.shape())
              .detach()
              .requiresGrad(true);
      try (NoGrad graph = NoGrad.enableGrad()) {
        Tensor identity = Tensor.wrap(torch.alias(holder.handle()));
        try (Node node = identity.handle().grad_fn()) {
          node.clear_input_metadata(); // the result takes the place of the identity's own
          torch.create_gradient_edge(result.handle(), node);
        }
      }
      return TensorScope.keep(holder);
    }
  }
}
