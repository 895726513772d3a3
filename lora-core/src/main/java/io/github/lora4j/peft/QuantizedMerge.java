package io.github.lora4j.peft;

import io.github.lora4j.nn.DenseLinear;
import io.github.lora4j.nn.LinearLayer;
import io.github.lora4j.nn.QuantizedLinear;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.NoGrad;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How adapters are merged into a base whose weights are quantized; there is no way that costs
 * nothing.
 *
 * <p>PEFT always quantizes again, with a warning.
 */
public final class QuantizedMerge {

  private static final Logger LOG = LoggerFactory.getLogger(QuantizedMerge.class);

  private enum Kind {
    REFUSE,
    DEQUANTIZE,
    REQUANTIZE
  }

  private final Kind kind;
  private final Consumer<WeightChange> report;

  private QuantizedMerge(Kind kind, Consumer<WeightChange> report) {
    this.kind = kind;
    this.report = report;
  }

  /** The default: an {@link IllegalStateException} that names the choices. */
  static QuantizedMerge refuse() {
    return new QuantizedMerge(Kind.REFUSE, change -> {});
  }

  /**
   * Makes a dense model in the dtype of what isn't quantized, such as bfloat16: four times the size
   * of 4-bit weights, and exactly what was trained up to one rounding.
   */
  public static QuantizedMerge dequantize() {
    return new QuantizedMerge(Kind.DEQUANTIZE, change -> {});
  }

  /**
   * Quantizes the merged weights again: the size stays, but what was learnt is rounded as coarsely
   * as the weights are. Each layer's change is logged at INFO.
   */
  public static QuantizedMerge requantize() {
    return requantize(
        change ->
            LOG.info(
                "{}: quantizing again moved the merged weight by {}%, {}% of what the adapter"
                    + " added",
                change.module(),
                "%.2f".formatted(100 * change.ofWeight()),
                "%.1f".formatted(100 * change.ofUpdate())));
  }

  /**
   * Quantizes the merged weights again.
   *
   * @param report is told the change of each layer that an adapter was merged into
   */
  public static QuantizedMerge requantize(Consumer<WeightChange> report) {
    return new QuantizedMerge(Kind.REQUANTIZE, report);
  }

  /**
   * Merges into a quantized layer.
   *
   * @param merge makes a float32 layer with the adapters inside of one without, which it borrows
   * @return the layer, for the caller to close
   * @throws IllegalStateException if there was no choice
   */
  LinearLayer merged(QuantizedLinear base, UnaryOperator<DenseLinear> merge) {
    if (kind == Kind.REFUSE) {
      throw new IllegalStateException(
          base.name()
              + " is quantized, and merging into it costs either memory or exactness: choose"
              + " mergeAndUnload(QuantizedMerge.dequantize()), which gives a dense model, or"
              + " mergeAndUnload(QuantizedMerge.requantize()), which rounds what was learnt to the"
              + " base's bits and measures the change.");
    }
    try (TensorScope scope = TensorScope.open();
        NoGrad noGrad = NoGrad.open();
        DenseLinear dense = base.withDense(base.denseWeight(DType.F32));
        DenseLinear merged = merge.apply(dense)) {
      if (kind == Kind.DEQUANTIZE) {
        return rounded(merged, base.dtype());
      }
      QuantizedLinear again = base.requantized(merged.weight(), merged.bias());
      report.accept(change(base, dense.weight(), merged.weight(), again));
      return again;
    }
  }

  /** What becomes of a layer that no adapter was merged into. */
  LinearLayer unchanged(LinearLayer layer) {
    if (kind != Kind.DEQUANTIZE || !(layer instanceof QuantizedLinear few)) {
      return layer.share();
    }
    try (TensorScope scope = TensorScope.open();
        NoGrad noGrad = NoGrad.open()) {
      return few.withDense(few.denseWeight(few.dtype()));
    }
  }

  private static DenseLinear rounded(DenseLinear layer, DType dtype) {
    Tensor weight = layer.weight().to(dtype);
    Optional<Tensor> bias = layer.bias().map(b -> TensorScope.keep(b.to(dtype).copy()));
    return layer.isInputFirst()
        ? DenseLinear.ofInputFirst(
            layer.name(), TensorScope.keep(weight.transpose(0, 1).contiguous().alias()), bias)
        : new DenseLinear(layer.name(), TensorScope.keep(weight.alias()), bias);
  }

  private static WeightChange change(
      LinearLayer layer, Tensor before, Tensor merged, QuantizedLinear again) {
    double lost = norm(again.denseWeight(DType.F32).add(merged, -1));
    double added = norm(merged.add(before, -1));
    return new WeightChange(
        layer.name(), lost == 0 ? 0 : lost / norm(merged), lost == 0 ? 0 : lost / added);
  }

  private static double norm(Tensor matrix) {
    return Math.sqrt(matrix.square().sum().item());
  }
}
