package io.github.lora4j.nn;

import io.github.lora4j.tensor.CustomFunction;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.ArrayList;
import java.util.List;

/** The way of rows to their experts and back, without work for rows that an expert doesn't get. */
final class ExpertRows {

  private ExpertRows() {}

  /**
   * Takes the rows that go to one expert.
   *
   * @param x {@code [..., n]}
   * @param tokens I64 {@code [m]}, none twice
   * @param gradient of x, common to all experts
   * @return {@code [m, n]}
   */
  static Tensor gather(Tensor x, Tensor tokens, SharedGradient gradient) {
    try (TensorScope scope = TensorScope.open()) {
      if (!CustomFunction.available()) {
        return scope.handOver(rows(x).indexSelect(0, tokens));
      }
      try (CustomFunction call = CustomFunction.of(x)) {
        SharedGradient.Member member = gradient.join();
        long[] shape = x.shape();
        Tensor kept = call.save(tokens);
        return scope.handOver(
            call.returns(
                rows(x).indexSelect(0, tokens),
                (dy, inputs) ->
                    member.add(
                        inputs,
                        0,
                        () -> Tensor.zeros(dy.dtype(), dy.device(), shape),
                        all -> addRows(rows(all), kept, dy))));
      }
    }
  }

  /**
   * Adds what experts made of their rows, each times its weight.
   *
   * @param parts of each expert that got rows, in the order of the routing
   * @param like has the shape and dtype of the result
   */
  static Tensor combine(List<Tensor> parts, Routing routing, Tensor like) {
    if (!CustomFunction.available()) {
      return sum(parts, routing, like);
    }
    List<Tensor> inputsOf = new ArrayList<>(parts);
    inputsOf.add(routing.weights());
    int weights = parts.size();
    try (TensorScope scope = TensorScope.open();
        CustomFunction call = CustomFunction.of(inputsOf.toArray(new Tensor[0]))) {
      Tensor y = sum(parts, routing, like);
      List<Tensor> kept =
          routing.weights().requiresGrad() ? parts.stream().map(call::save).toList() : List.of();
      Routing saved =
          new Routing(
              call.save(routing.weights()),
              call.save(routing.slots()),
              call.save(routing.tokens()),
              routing.starts());
      return scope.handOver(
          call.returns(
              y,
              (dy, inputs) -> {
                Tensor all = rows(dy);
                List<Tensor> weightGradients = new ArrayList<>();
                Tensor flat = saved.weights().reshape(-1).indexSelect(0, saved.slots());
                int part = 0;
                for (int expert = 0; expert < saved.starts().length - 1; expert++) {
                  if (saved.count(expert) > 0) {
                    Tensor d = all.indexSelect(0, saved.part(saved.tokens(), expert));
                    if (inputs.wanted(weights)) {
                      weightGradients.add(dots(d, kept.get(part)));
                    }
                    if (inputs.wanted(part)) {
                      Tensor scale = saved.part(flat, expert).unsqueeze(1).to(d.dtype());
                      inputs.add(part, d.mulInPlace(scale));
                    }
                    part++;
                  }
                }
                if (inputs.wanted(weights)) {
                  Tensor gradient = Tensor.zeros(DType.F32, dy.device(), saved.slots().shape());
                  gradient.scatterAddInPlace(0, saved.slots(), Tensor.cat(weightGradients, 0));
                  inputs.add(weights, gradient.view(saved.weights().shape()));
                }
              }));
    }
  }

  /** The sum in float32, rounded once. */
  private static Tensor sum(List<Tensor> parts, Routing routing, Tensor like) {
    try (TensorScope scope = TensorScope.open()) {
      Tensor weights = routing.weights().reshape(-1).indexSelect(0, routing.slots()).unsqueeze(1);
      Tensor sum = Tensor.zeros(DType.F32, like.device(), routing.weights().size(0), like.size(-1));
      int part = 0;
      for (int expert = 0; expert < routing.starts().length - 1; expert++) {
        if (routing.count(expert) > 0) {
          Tensor weighted = parts.get(part++).to(DType.F32).mul(routing.part(weights, expert));
          sum = addRows(sum, routing.part(routing.tokens(), expert), weighted);
        }
      }
      return scope.handOver(sum.to(like.dtype()).view(like.shape()));
    }
  }

  private static Tensor addRows(Tensor all, Tensor tokens, Tensor rows) {
    return all.scatterAddInPlace(0, tokens.unsqueeze(1).expand(rows.shape()), rows);
  }

  /** The product of each row with the row beside it, in float32. */
  private static Tensor dots(Tensor a, Tensor b) {
    try (TensorScope scope = TensorScope.open()) {
      return scope.handOver(a.to(DType.F32).mul(b.to(DType.F32)).sum(-1, false));
    }
  }

  private static Tensor rows(Tensor x) {
    return x.reshape(-1, x.size(-1));
  }
}
