package io.github.lora4j.peft;

import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Generator;
import io.github.lora4j.tensor.LinearAlgebra;
import io.github.lora4j.tensor.NoGrad;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToDoubleFunction;

/** Makes one adapter of several, a layer at a time: PEFT's {@code add_weighted_adapter}. */
final class WeightedCombination implements AutoCloseable {

  private final CombinationType type;
  private final CombinationOptions options;
  private final Generator generator;
  private final TaskArithmetic arithmetic;

  /**
   * Begins one.
   *
   * @throws IllegalArgumentException if the type needs a density and none is set, or a draw is to
   *     keep nothing
   */
  WeightedCombination(CombinationType type, CombinationOptions options) {
    if (type.pruning() != CombinationType.Pruning.NONE) {
      double density =
          options
              .density()
              .orElseThrow(
                  () ->
                      new IllegalArgumentException(
                          type.peftName() + " prunes: set density, the share that stays"));
      if (density == 0 && type.pruning() == CombinationType.Pruning.RANDOM) {
        throw new IllegalArgumentException(
            type.peftName() + " scales up what stays: density must be more than 0");
      }
    }
    this.type = type;
    this.options = options;
    this.generator = Generator.of(options.seed());
    this.arithmetic = new TaskArithmetic(type, options, generator);
  }

  /**
   * Combines those adapters that have this layer.
   *
   * @param module the layer, for messages
   * @param updates at least one, in the order of the adapters
   */
  CombinedUpdate combine(String module, List<WeightedUpdate> updates) {
    if (updates.isEmpty()) {
      throw new IllegalArgumentException(module + ": expected at least one adapter, found none");
    }
    try (TensorScope scope = TensorScope.open();
        NoGrad noGrad = NoGrad.open()) {
      CombinedUpdate combined = inScope(module, updates);
      scope.handOver(combined.a());
      scope.handOver(combined.b());
      return combined;
    }
  }

  private CombinedUpdate inScope(String module, List<WeightedUpdate> updates) {
    if (type == CombinationType.CAT) {
      return concatenated(updates);
    }
    if (type == CombinationType.SVD) {
      return clamped(ofThinFactors(updates), updates);
    }
    if (type.decomposes()) {
      List<Tensor> changes = new ArrayList<>();
      for (WeightedUpdate update : updates) {
        changes.add(update.b().matmul(update.a()).mulInPlace(update.scaling()));
      }
      Tensor change = arithmetic.combine(changes, factors(updates, WeightedUpdate::weight));
      return clamped(LinearAlgebra.svd(change), updates);
    }
    requireEqualRanks(module, updates);
    // The sign goes to A alone: on both sides it would vanish.
    Tensor a =
        arithmetic.combine(
            updates.stream().map(WeightedUpdate::a).toList(),
            factors(updates, u -> Math.copySign(Math.sqrt(Math.abs(u.factor())), u.factor())));
    Tensor b =
        arithmetic.combine(
            updates.stream().map(WeightedUpdate::b).toList(),
            factors(updates, u -> Math.sqrt(Math.abs(u.factor()))));
    return new CombinedUpdate(a, b);
  }

  private static CombinedUpdate concatenated(List<WeightedUpdate> updates) {
    List<Tensor> a = new ArrayList<>();
    List<Tensor> b = new ArrayList<>();
    for (WeightedUpdate update : updates) {
      a.add(update.a().mul(update.factor()));
      b.add(update.b());
    }
    return new CombinedUpdate(Tensor.cat(a, 0), Tensor.cat(b, 1));
  }

  /**
   * The decomposition of {@code Σ factor B A} by way of the thin factors: with all B beside one
   * another {@code = Q R} and all A over one another, transposed, {@code = P T}, only the small
   * {@code R Tᵀ} is left to decompose. The same to rounding as that of the whole, which is never
   * made.
   */
  private static LinearAlgebra.Svd ofThinFactors(List<WeightedUpdate> updates) {
    CombinedUpdate all = concatenated(updates);
    LinearAlgebra.Qr left = LinearAlgebra.qr(all.b().to(DType.F64));
    LinearAlgebra.Qr right = LinearAlgebra.qr(all.a().to(DType.F64).transpose(0, 1));
    LinearAlgebra.Svd core = LinearAlgebra.svd(left.r().matmul(right.r().transpose(0, 1)));
    return new LinearAlgebra.Svd(
        left.q().matmul(core.u()).to(DType.F32),
        core.s().to(DType.F32),
        core.vh().matmul(right.q().transpose(0, 1)).to(DType.F32));
  }

  private CombinedUpdate clamped(LinearAlgebra.Svd whole, List<WeightedUpdate> updates) {
    int asked =
        options.svdRank().orElse(updates.stream().mapToInt(WeightedUpdate::rank).max().orElse(1));
    // There are no more directions than the change has: the rest would be zeros.
    LinearAlgebra.Svd parts = whole.first((int) Math.min(asked, whole.s().numel()));
    Tensor a = parts.vh().contiguous();
    Tensor b = parts.u().mul(parts.s()).contiguous();
    if (options.svdClamp().isEmpty()) {
      return new CombinedUpdate(a.copy(), b);
    }
    Tensor elements = Tensor.cat(List.of(b.reshape(-1), a.reshape(-1)), 0);
    double high = elements.quantile(options.svdClamp().getAsDouble()).item();
    return new CombinedUpdate(a.clamp(-high, high), b.clamp(-high, high));
  }

  private void requireEqualRanks(String module, List<WeightedUpdate> updates) {
    List<Integer> ranks = updates.stream().map(WeightedUpdate::rank).toList();
    if (ranks.stream().distinct().count() > 1) {
      throw new IllegalArgumentException(
          "%s: %s sums adapters of equal ranks, found %s: take cat or one that ends in svd"
              .formatted(module, type.peftName(), ranks));
    }
  }

  private static double[] factors(
      List<WeightedUpdate> updates, ToDoubleFunction<WeightedUpdate> factor) {
    return updates.stream().mapToDouble(factor).toArray();
  }

  @Override
  public void close() {
    generator.close();
  }
}
