package io.github.lora4j.nn;

import io.github.lora4j.tensor.CustomFunction;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;

/**
 * A mixture of experts: a router sends each token to a few of many gated MLPs (Shazeer et al.,
 * 2017), as in Mixtral and Qwen3-MoE.
 *
 * <p>An expert computes with the rows of its own tokens alone. There is no auxiliary loss that
 * balances the router.
 *
 * @param router {@code [experts, hidden]}
 * @param gateUp {@code [experts, 2 * intermediate, hidden]}, the gate first
 * @param down {@code [experts, hidden, intermediate]}
 * @param activation applied to the gate
 * @param perToken how many experts a token goes to
 * @param normalised whether the weights of a token's experts sum to one
 */
public record SparseMlp(
    LinearLayer router,
    ExpertLinear gateUp,
    ExpertLinear down,
    Activation activation,
    int perToken,
    boolean normalised)
    implements Mlp {

  @Override
  public Tensor forward(Tensor x, ForwardContext context) {
    try (TensorScope scope = TensorScope.open()) {
      Tensor scores = router.forward(x, context);
      Routing routing = Routing.of(scores.reshape(-1, scores.size(-1)), perToken, normalised);
      ExpertLinear.Pass widen = gateUp.open(context);
      ExpertLinear.Pass narrow = down.open(context);
      SharedGradient gradient = new SharedGradient();
      List<Tensor> parts = new ArrayList<>();
      for (int expert = 0; expert < gateUp.experts(); expert++) {
        if (routing.count(expert) > 0) {
          try (TensorScope own = TensorScope.open()) {
            Tensor in = ExpertRows.gather(x, routing.part(routing.tokens(), expert), gradient);
            Tensor gated = gated(widen.apply(expert, in));
            parts.add(own.handOver(narrow.apply(expert, gated)));
          }
        }
      }
      return scope.handOver(ExpertRows.combine(parts, routing, x));
    }
  }

  private Tensor gated(Tensor both) {
    if (CustomFunction.available()) {
      return GatedActivation.applyToHalves(activation, both);
    }
    long half = both.size(-1) / 2;
    return activation.apply(both.narrow(-1, 0, half)).mul(both.narrow(-1, half, half));
  }

  @Override
  public SparseMlp withLinears(LayerChange change) {
    return with(change.router(router), change.experts(gateUp), change.experts(down));
  }

  @Override
  public SparseMlp shareWith(LayerChange change) {
    LinearLayer newRouter = change.router(router);
    ExpertLinear newGateUp = change.experts(gateUp);
    ExpertLinear newDown = change.experts(down);
    return with(
        newRouter == router ? router.share() : newRouter,
        newGateUp == gateUp ? gateUp.share() : newGateUp,
        newDown == down ? down.share() : newDown);
  }

  private SparseMlp with(LinearLayer newRouter, ExpertLinear newGateUp, ExpertLinear newDown) {
    return new SparseMlp(newRouter, newGateUp, newDown, activation, perToken, normalised);
  }

  @Override
  public void forEachParameter(BiConsumer<String, Tensor> visitor) {
    router.forEachParameter(visitor);
    gateUp.forEachParameter(visitor);
    down.forEachParameter(visitor);
  }

  @Override
  public void close() {
    router.close();
    gateUp.close();
    down.close();
  }
}
