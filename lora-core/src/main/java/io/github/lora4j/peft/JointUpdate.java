package io.github.lora4j.peft;

import io.github.lora4j.nn.ForwardContext;
import io.github.lora4j.nn.LinearLayer;
import io.github.lora4j.tensor.CustomFunction;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Functional;
import io.github.lora4j.tensor.NoGrad;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Low-rank updates of layers that read the same input, with their A sides as one product.
 *
 * <p>The matrices A, one upon another, read the input once instead of once a layer; on the way back
 * one product gives the gradients of all of them and one pass adds to the gradient of the input.
 * The B sides stay apart: each has an output of its own.
 */
final class JointUpdate {

  private final List<Member> members = new ArrayList<>();

  /** The thin product's gradient while the way back is between the last member and the first. */
  private @Nullable Tensor gradient;

  /**
   * One of the updates.
   *
   * @param below what it is added to
   * @param a {@code [rank, in]}
   * @param b {@code [out, rank]}
   * @param first its first column in the thin product
   */
  private record Member(
      LinearLayer below, Tensor a, Tensor b, double scaling, long first, long rank) {

    /** What is this one's of all that lies side by side. */
    Tensor of(Tensor all, int dim) {
      return all.narrow(dim, first, rank);
    }
  }

  private JointUpdate() {}

  /**
   * Applies layers to one input, their updates together where at least two of them have just one
   * each and nothing beside it.
   *
   * @param x {@code [..., in]}
   * @return {@code [..., out]} of each layer, in the caller's scope
   */
  static List<Tensor> forward(List<LinearLayer> layers, Tensor x, ForwardContext context) {
    JointUpdate joint = new JointUpdate();
    List<Optional<Member>> found = new ArrayList<>();
    for (LinearLayer layer : layers) {
      found.add(joint.join(layer, x, context));
    }
    if (joint.members.size() < 2 || !CustomFunction.available() || FusedUpdate.isForFewRows(x)) {
      return layers.stream().map(layer -> layer.forward(x, context)).toList();
    }
    List<Tensor> results = new ArrayList<>();
    try (TensorScope scope = TensorScope.open()) {
      Tensor a = joint.stacked(x.dtype());
      Tensor thin = thin(x, a);
      for (int i = 0; i < layers.size(); i++) {
        Optional<Member> member = found.get(i);
        Tensor y =
            member.isPresent()
                ? joint.add(member.get(), member.get().below().forward(x, context), x, a, thin)
                : layers.get(i).forward(x, context);
        results.add(scope.handOver(y));
      }
    }
    return results;
  }

  private Optional<Member> join(LinearLayer layer, Tensor x, ForwardContext context) {
    if (!(layer instanceof AdaptedLinear adapted) || adapted.dtype() != x.dtype()) {
      return Optional.empty();
    }
    Optional<Member> member =
        adapted
            .oneUpdate(context)
            .map(
                one -> {
                  LoraWeights own = one.update().weights();
                  long rank = own.a().size(0);
                  long first = members.stream().mapToLong(Member::rank).sum();
                  return new Member(
                      one.below(), own.a(), own.b(), one.update().scaling(), first, rank);
                });
    member.ifPresent(members::add);
    return member;
  }

  /** All A with their scalings: r numbers a column instead of as many a row of the input. */
  private Tensor stacked(DType dtype) {
    try (NoGrad noGrad = NoGrad.open()) {
      Tensor all = Tensor.cat(members.stream().map(Member::a).toList(), 0);
      scale(all);
      return all.to(dtype);
    }
  }

  private void scale(Tensor all) {
    double scaling = members.get(0).scaling();
    if (members.stream().allMatch(member -> member.scaling() == scaling)) {
      all.mulInPlace(scaling);
    } else {
      members.forEach(member -> member.of(all, 0).mulInPlace(member.scaling()));
    }
  }

  /** The products with all A {@code [n, sum of ranks]}. */
  private static Tensor thin(Tensor x, Tensor a) {
    try (NoGrad noGrad = NoGrad.open()) {
      return Functional.linear(FusedUpdate.rows(x), a);
    }
  }

  /**
   * Adds the product of a member's columns with its B, as {@link FusedUpdate} does. The way back
   * comes to the first member last, which passes on what all have put together.
   */
  private Tensor add(Member member, Tensor y, Tensor x, Tensor a, Tensor thin) {
    boolean first = member == members.get(0);
    List<Tensor> given = new ArrayList<>(List.of(y, member.b()));
    if (first) {
      given.add(x);
      members.forEach(each -> given.add(each.a()));
    } else {
      given.add(member.a());
    }
    try (TensorScope scope = TensorScope.open();
        CustomFunction call = CustomFunction.of(given.toArray(Tensor[]::new))) {
      Tensor b = call.save(member.b().to(y.dtype())); // [out, r]
      Tensor own = call.save(member.of(thin, 1)); // [n, r]
      Optional<Supplier<Tensor>> keptX = first ? Optional.of(call.saveInput(2)) : Optional.empty();
      // Rounded, it takes as much as the matrices would; in float32 it would be kept in vain.
      Optional<Tensor> keptA =
          first && a.dtype() != DType.F32 ? Optional.of(call.save(a)) : Optional.empty();
      long[] shape = thin.shape();
      y.view(-1, y.size(-1)).addmmInPlace(own, b.transpose(0, 1), 1);
      return scope.handOver(
          call.returns(
              y.detach(),
              (dy, inputs) -> {
                Tensor dRows = FusedUpdate.rows(dy);
                if (inputs.wanted(1)) {
                  inputs.add(1, dRows.transpose(0, 1).matmul(own).to(DType.F32));
                }
                if (gradient == null) {
                  gradient = TensorScope.keep(Tensor.zeros(dy.dtype(), dy.device(), shape));
                }
                member.of(gradient, 1).copyInPlace(dRows.matmul(b));
                if (keptX.isPresent()) {
                  passOn(gradient, keptX.get().get(), keptA, inputs);
                  gradient.close();
                  gradient = null;
                }
                inputs.pass(0, dy);
              }));
    }
  }

  private void passOn(
      Tensor dThin, Tensor x, Optional<Tensor> keptA, CustomFunction.Gradients inputs) {
    if (members.stream().anyMatch(member -> member.a().requiresGrad())) {
      Tensor dA = dThin.transpose(0, 1).matmul(FusedUpdate.rows(x)).to(DType.F32);
      scale(dA);
      for (int i = 0; i < members.size(); i++) {
        inputs.add(i + 3, members.get(i).of(dA, 0));
      }
    }
    if (inputs.wanted(2)) {
      inputs.addProduct(2, dThin, keptA.orElseGet(() -> stacked(DType.F32)));
    }
  }
}
