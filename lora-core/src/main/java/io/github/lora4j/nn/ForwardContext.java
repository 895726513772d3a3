package io.github.lora4j.nn;

import io.github.lora4j.tensor.Autocast;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Generator;
import io.github.lora4j.tensor.Plain;
import java.util.Optional;

/**
 * How a forward pass is to be made: for evaluation or training, with which random numbers, in which
 * precision.
 *
 * <p>It takes the place of {@code model.train()} and {@code model.eval()}: layers keep no mode of
 * their own, so that one model can serve several threads.
 */
public final class ForwardContext {

  private static final ForwardContext EVAL =
      new ForwardContext(Optional.empty(), false, Optional.empty(), false, 0);

  private final Optional<Generator> dropout;
  private final boolean gradientCheckpointing;
  private final Optional<DType> autocast;
  private final boolean plain;
  private final double labelSmoothing;

  private ForwardContext(
      Optional<Generator> dropout,
      boolean gradientCheckpointing,
      Optional<DType> autocast,
      boolean plain,
      double labelSmoothing) {
    this.dropout = dropout;
    this.gradientCheckpointing = gradientCheckpointing;
    this.autocast = autocast;
    this.plain = plain;
    this.labelSmoothing = labelSmoothing;
  }

  /** For evaluation and generation: no dropout. */
  public static ForwardContext eval() {
    return EVAL;
  }

  /** For training: dropout masks come from this generator, which is borrowed. */
  public static ForwardContext training(Generator dropout) {
    return new ForwardContext(Optional.of(dropout), false, Optional.empty(), false, 0);
  }

  /** The same with blocks recomputed in the backward pass instead of their activations kept. */
  public ForwardContext gradientCheckpointing(boolean on) {
    return new ForwardContext(dropout, on, autocast, plain, labelSmoothing);
  }

  /** The same with matrix products in a lower precision: BF16 or F16. */
  public ForwardContext autocast(DType dtype) {
    return new ForwardContext(
        dropout, gradientCheckpointing, Optional.of(dtype), plain, labelSmoothing);
  }

  /**
   * The same with every gradient left to libtorch, padding computed, and all scores of attention
   * kept: slower, and what the faster way is tested against.
   */
  public ForwardContext plain(boolean on) {
    return new ForwardContext(dropout, gradientCheckpointing, autocast, on, labelSmoothing);
  }

  /**
   * The same with a loss in which a share of each target is spread over all classes evenly: {@code
   * label_smoothing} (Szegedy et al., 2016).
   *
   * @param share from 0 to 1
   */
  public ForwardContext labelSmoothing(double share) {
    return new ForwardContext(dropout, gradientCheckpointing, autocast, plain, share);
  }

  /** Where dropout masks come from; empty in evaluation. */
  public Optional<Generator> dropout() {
    return dropout;
  }

  /** The share of each target that is spread over all classes; 0 by default. */
  public double labelSmoothing() {
    return labelSmoothing;
  }

  /** Whether this is a training pass. */
  public boolean isTraining() {
    return dropout.isPresent();
  }

  /** Whether blocks are recomputed in the backward pass. */
  public boolean isGradientCheckpointing() {
    return gradientCheckpointing;
  }

  /**
   * The same for a model of this dtype: autocasting to the dtype that it computes in anyway is
   * dropped, since all it would do is to take {@link #isPlain the slower way}.
   */
  public ForwardContext forModelOf(DType dtype) {
    return autocast.equals(Optional.of(dtype))
        ? new ForwardContext(
            dropout, gradientCheckpointing, Optional.empty(), plain, labelSmoothing)
        : this;
  }

  /**
   * Whether gradients are libtorch's alone: where {@link #plain(boolean)} asks for it, and with
   * autocasting, which decides on dtypes inside libtorch.
   */
  public boolean isPlain() {
    return plain || autocast.isPresent();
  }

  /** Opens what the pass runs inside: autocasting and plain operations where asked for. */
  public Region enter(Device device) {
    Optional<Autocast> opened = autocast.map(dtype -> Autocast.open(device, dtype));
    Optional<Plain> plainly = isPlain() ? Optional.of(Plain.open()) : Optional.empty();
    return () -> {
      plainly.ifPresent(Plain::close);
      opened.ifPresent(Autocast::close);
    };
  }

  /** A region of code that ends with {@link #close()}. */
  public interface Region extends AutoCloseable {
    @Override
    void close();
  }
}
