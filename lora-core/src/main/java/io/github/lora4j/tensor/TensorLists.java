package io.github.lora4j.tensor;

import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/**
 * Operations on many tensors in one native call, for use under {@link NoGrad}. The tensors of a
 * call lie on one device.
 */
public final class TensorLists {

  // The kernel for CPUs shares out each tensor among all threads, however small. One thread is done
  // with this many numbers in a tenth of a millisecond; waking others can take longer than that.
  // So small ones are left to this thread. (Another thread that uses libtorch for the very first
  // time meanwhile would stay with one thread too: slower, never wrong.)
  private static final long ALL_THREADS_AT = 1 << 18;

  private TensorLists() {}

  /**
   * The Euclidean length of all elements of all tensors taken together.
   *
   * @param tensors at least one
   * @return a scalar on their device: F32, or F64 where one of them is
   */
  public static Tensor norm(List<Tensor> tensors) {
    requireSome(tensors);
    DType wide = tensors.stream().anyMatch(t -> t.dtype() == DType.F64) ? DType.F64 : DType.F32;
    try (BoxedCall call = BoxedCall.of("_foreach_norm", "Scalar");
        TensorVector norms = call.with(tensors).with(2.0).with(wide).runForTensors();
        org.bytedeco.pytorch.Tensor stacked = torch.stack(norms);
        Scalar two = new Scalar(2.0)) {
      return Tensor.wrap(stacked.norm(two));
    }
  }

  /**
   * Multiplies each element of each tensor by a number.
   *
   * @param tensors at least one
   */
  public static void mulInPlace(List<Tensor> tensors, double value) {
    requireSome(tensors);
    try (BoxedCall call = BoxedCall.of("_foreach_mul_", "Scalar")) {
      call.with(tensors).with(value).run();
    }
  }

  /**
   * One update of all these weights and moments, in the arithmetic of {@code torch.optim.AdamW}.
   *
   * @param entries at least one
   */
  public static void adamW(List<AdamWEntry> entries, AdamWConstants constants) {
    requireSome(entries);
    if (!entries.get(0).weight.device().equals(Device.CPU)) {
      fusedAdamW(entries, constants);
      return;
    }
    Map<Boolean, List<AdamWEntry>> byIsSmall =
        entries.stream().collect(Collectors.partitioningBy(e -> e.weight.numel() < ALL_THREADS_AT));
    fusedAdamW(byIsSmall.get(false), constants);
    try (OneThread small = new OneThread()) {
      fusedAdamW(byIsSmall.get(true), constants);
    }
  }

  private static void fusedAdamW(List<AdamWEntry> entries, AdamWConstants constants) {
    if (entries.isEmpty()) {
      return;
    }
    try (TensorScope scope = TensorScope.open();
        BoxedCall call = BoxedCall.of("_fused_adamw_", "")) {
      Tensor step = Tensor.full(constants.step, DType.F32, entries.get(0).weight.device());
      call.with(each(entries, AdamWEntry::weight))
          .with(each(entries, AdamWEntry::gradient))
          .with(each(entries, AdamWEntry::firstMoment))
          .with(each(entries, AdamWEntry::secondMoment))
          .with(List.of()) // largest second moments, which only AMSGrad has
          .with(Collections.nCopies(entries.size(), step))
          .with(constants.learningRate)
          .with(constants.beta1)
          .with(constants.beta2)
          .with(constants.weightDecay)
          .with(constants.epsilon)
          .with(false) // not AMSGrad
          .with(false) // not upwards
          .withNone() // gradients aren't scaled
          .withNone() // nor searched for infinities
          .run();
    }
  }

  /** Whether {@link #adamW} takes this tensor: it must be F32 and contiguous. */
  public static boolean adamWTakes(Tensor tensor) {
    return tensor.dtype() == DType.F32 && tensor.isContiguous();
  }

  private static List<Tensor> each(
      List<AdamWEntry> entries, Function<AdamWEntry, Tensor> component) {
    return entries.stream().map(component).toList();
  }

  private static void requireSome(List<?> list) {
    if (list.isEmpty()) {
      throw new IllegalArgumentException("tensors: expected at least one, found none");
    }
  }

  /**
   * The tensors of one parameter in an update by AdamW: F32, contiguous and equally large.
   *
   * @param weight is moved
   * @param gradient is read
   * @param firstMoment the running mean of gradients, is updated
   * @param secondMoment the running mean of their squares, is updated
   */
  public record AdamWEntry(
      Tensor weight, Tensor gradient, Tensor firstMoment, Tensor secondMoment) {

    /** Checks them: the kernel itself goes by the weight's size and reads without strides. */
    public AdamWEntry {
      check("weight", weight, weight);
      check("gradient", gradient, weight);
      check("firstMoment", firstMoment, weight);
      check("secondMoment", secondMoment, weight);
    }

    private static void check(String name, Tensor tensor, Tensor weight) {
      if (!adamWTakes(tensor) || tensor.numel() != weight.numel()) {
        throw new IllegalArgumentException(
            "%s: expected %d contiguous numbers of F32, found %d of %s, %s"
                .formatted(
                    name,
                    weight.numel(),
                    tensor.numel(),
                    tensor.dtype(),
                    tensor.isContiguous() ? "contiguous" : "not contiguous"));
      }
    }
  }

  /**
   * The numbers of an update by AdamW.
   *
   * @param step how many updates these weights have had, this one included
   * @param learningRate of this update
   * @param beta1 decay of the first moment
   * @param beta2 decay of the second moment
   * @param epsilon what is added to the root of the second moment
   * @param weightDecay of the weights themselves, in shares of the learning rate
   */
  public record AdamWConstants(
      int step,
      double learningRate,
      double beta1,
      double beta2,
      double epsilon,
      double weightDecay) {}
}
