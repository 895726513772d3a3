package io.github.lora4j.nn;

import io.github.lora4j.nn.step.StepMlp;
import io.github.lora4j.nn.step.StepPart;
import io.github.lora4j.tensor.CustomFunction;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.List;
import java.util.Optional;
import java.util.function.BiConsumer;

/**
 * The gated MLP {@code down(act(gate(x)) * up(x))} (Shazeer, 2020).
 *
 * @param gate {@code [intermediate, hidden]}
 * @param up {@code [intermediate, hidden]}
 * @param down {@code [hidden, intermediate]}
 * @param activation applied to the gate
 */
public record GatedMlp(LinearLayer gate, LinearLayer up, LinearLayer down, Activation activation)
    implements Mlp {

  @Override
  public Tensor forward(Tensor x, ForwardContext context) {
    try (TensorScope scope = TensorScope.open()) {
      List<Tensor> both = JoiningLinear.forward(List.of(gate, up), x, context);
      Tensor opened = both.get(0);
      Tensor widened = both.get(1);
      Tensor gated =
          CustomFunction.available()
              ? GatedActivation.apply(activation, opened, widened)
              : activation.apply(opened).mul(widened);
      return scope.handOver(down.forward(gated, context));
    }
  }

  @Override
  public Optional<StepMlp> step(StepPart part) {
    return new StepLayers(part)
        .add(gate)
        .add(up)
        .add(down)
        .all()
        .map(
            layers ->
                new StepMlp(
                    part,
                    layers.subList(0, 2),
                    layers.get(2),
                    activation.step(),
                    StepMlp.Form.GATE_AND_UP));
  }

  @Override
  public GatedMlp withLinears(LayerChange change) {
    return new GatedMlp(change.apply(gate), change.apply(up), change.apply(down), activation);
  }

  @Override
  public void forEachParameter(BiConsumer<String, Tensor> visitor) {
    gate.forEachParameter(visitor);
    up.forEachParameter(visitor);
    down.forEachParameter(visitor);
  }

  @Override
  public void close() {
    gate.close();
    up.close();
    down.close();
  }
}
