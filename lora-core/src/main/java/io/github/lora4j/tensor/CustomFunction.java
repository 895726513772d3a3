package io.github.lora4j.tensor;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * One call of a function whose gradient is written by hand: {@code torch.autograd.Function}.
 *
 * <pre>{@code
 * try (TensorScope scope = TensorScope.open(); var f = CustomFunction.of(x)) {
 *   Tensor y = x.square();                     // nothing is recorded inside
 *   Tensor saved = f.save(x);
 *   return scope.handOver(f.returns(y, (dy, inputs) -> inputs.add(0, dy.mul(saved).mul(2))));
 * }
 * }</pre>
 */
public final class CustomFunction implements AutoCloseable {

  private final Tensor[] inputs;
  private final @Nullable Tape tape;
  private final List<Tensor> saved = new ArrayList<>();
  private final @Nullable NoGrad noGrad;
  private boolean returned;

  /** The way back. */
  @FunctionalInterface
  public interface Backward {

    /**
     * Computes the gradients of the inputs; nothing is recorded, and what it makes is freed.
     *
     * @param gradient of the result, of its shape
     * @param inputs takes the gradients
     */
    void run(Tensor gradient, Gradients inputs);
  }

  private CustomFunction(Tensor[] inputs, @Nullable Tape tape) {
    this.inputs = inputs;
    this.tape = tape;
    this.noGrad = tape == null ? null : NoGrad.open();
  }

  /**
   * Whether such functions may be used now: a {@link Tape} is open or no gradients are recorded,
   * and nobody asked for {@link Plain} operations.
   */
  public static boolean available() {
    return !Plain.isOn() && (Tape.current() != null || !NoGrad.gradEnabled());
  }

  /** Begins a call with these inputs; until it is closed, libtorch records nothing. */
  public static CustomFunction of(Tensor... inputs) {
    if (!NoGrad.gradEnabled()) {
      return new CustomFunction(inputs, null);
    }
    boolean wanted = false;
    for (Tensor input : inputs) {
      wanted |= input.requiresGrad();
    }
    Tape tape = wanted ? Tape.current() : null;
    if (wanted && tape == null) {
      throw new IllegalStateException("Gradients are wanted, but no Tape is open.");
    }
    return new CustomFunction(inputs, tape);
  }

  /** Whether the way back will be gone. */
  public boolean isRecording() {
    return tape != null;
  }

  /** Keeps a tensor for the way back: a handle that the function owns. */
  public Tensor save(Tensor tensor) {
    if (tape == null) {
      return tensor;
    }
    Tensor kept = TensorScope.keep(tensor.detach());
    saved.add(kept);
    return kept;
  }

  /**
   * Keeps an input for the way back: the right to have it computed again, where it is the result of
   * a function that {@linkplain #returns(Tensor, Supplier, Backward) can do so}, and else its
   * memory.
   *
   * @return gives the input on the way back, to be looked at and left as it is
   */
  public Supplier<Tensor> saveInput(int input) {
    Tensor tensor = inputs[input];
    if (tape != null && tape.callOf(tensor) instanceof Call made && made.again.isPresent()) {
      return made::result;
    }
    Tensor kept = save(tensor);
    return () -> kept;
  }

  /** Gives the result its way back and returns it. */
  public Tensor returns(Tensor result, Backward backward) {
    return returns(result, Optional.empty(), backward);
  }

  /**
   * Gives the result its way back and returns it.
   *
   * @param again computes the result once more from what was saved, on the way back and before
   *     {@code backward}, if a function that it went into asks for it: no one need keep its memory
   */
  public Tensor returns(Tensor result, Supplier<Tensor> again, Backward backward) {
    return returns(result, Optional.of(again), backward);
  }

  private Tensor returns(Tensor result, Optional<Supplier<Tensor>> again, Backward backward) {
    returned = true;
    if (tape != null) {
      List<Optional<TapeEntry>> targets = targets(tape);
      Tensor holder = Tape.gradientHolder(result);
      tape.add(result, new Call(holder, shapes(), targets, List.copyOf(saved), again, backward));
    }
    return result;
  }

  private List<Optional<TapeEntry>> targets(Tape on) {
    List<Optional<TapeEntry>> targets = new ArrayList<>();
    for (Tensor input : inputs) {
      targets.add(input.requiresGrad() ? Optional.of(on.entryOf(input)) : Optional.empty());
    }
    return targets;
  }

  private long[][] shapes() {
    long[][] shapes = new long[inputs.length][];
    for (int i = 0; i < shapes.length; i++) {
      shapes[i] = inputs[i].shape();
    }
    return shapes;
  }

  @Override
  public void close() {
    if (noGrad != null) {
      noGrad.close();
    }
    if (!returned) {
      saved.forEach(Tensor::close);
    }
  }

  /** The gradients of a call's inputs. */
  public static final class Gradients {
    private final List<Optional<TapeEntry>> targets;
    private final long[][] shapes;

    private Gradients(List<Optional<TapeEntry>> targets, long[][] shapes) {
      this.targets = targets;
      this.shapes = shapes;
    }

    /** Whether an input wants a gradient. */
    public boolean wanted(int input) {
      return targets.get(input).isPresent();
    }

    /** Adds a tensor made for this purpose, which is then no longer the function's. */
    public void add(int input, Tensor gradient) {
      targets.get(input).ifPresent(target -> target.accumulate(gradient, true));
    }

    /** Adds a tensor that others look at too, such as the gradient of the result itself. */
    public void pass(int input, Tensor gradient) {
      targets.get(input).ifPresent(target -> target.accumulate(gradient.alias(), false));
    }

    /**
     * Adds a matrix product without a tensor for it.
     *
     * @param a {@code [..., k]}
     * @param b {@code [k, n]}, where the input is {@code [..., n]}
     */
    public void addProduct(int input, Tensor a, Tensor b) {
      targets.get(input).ifPresent(target -> target.accumulateProduct(a, b, shapes[input]));
    }
  }

  /** A finished call on the tape. */
  private static final class Call extends TapeEntry {
    private final Tensor holder;
    private final long[][] shapes;
    private final List<Optional<TapeEntry>> targets;
    private final List<Tensor> saved;
    private final Optional<Supplier<Tensor>> again;
    private final Backward backward;
    private @Nullable Tensor result; // while it is there once more

    Call(
        Tensor holder,
        long[][] shapes,
        List<Optional<TapeEntry>> targets,
        List<Tensor> saved,
        Optional<Supplier<Tensor>> again,
        Backward backward) {
      this.holder = holder;
      this.shapes = shapes;
      this.targets = targets;
      this.saved = saved;
      this.again = again;
      this.backward = backward;
    }

    /** The result once more; all who want it get the same. */
    Tensor result() {
      if (result == null) {
        try (TensorScope scope = TensorScope.open()) {
          result = TensorScope.keep(again.orElseThrow().get());
        }
      }
      return result;
    }

    @Override
    void backward() {
      if (result != null) {
        result.close(); // all who wanted it have been
        result = null;
      }
      holder.grad().ifPresent(fromLibtorch -> accumulate(fromLibtorch, false));
      Tensor gradient = takeGradient();
      if (gradient != null) {
        backward.run(gradient, new Gradients(targets, shapes));
      }
    }

    @Override
    void close() {
      super.close();
      holder.close();
      if (result != null) {
        result.close();
        result = null;
      }
      saved.forEach(Tensor::close);
    }
  }
}
