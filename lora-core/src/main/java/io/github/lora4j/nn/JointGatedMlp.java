package io.github.lora4j.nn;

import io.github.lora4j.nn.step.StepMlp;
import io.github.lora4j.nn.step.StepPart;
import io.github.lora4j.tensor.CustomFunction;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.Optional;
import java.util.function.BiConsumer;

/**
 * A gated MLP whose gate and up projection are one layer in the checkpoint, as in Phi-3.
 *
 * @param gateUp {@code [2 * intermediate, hidden]}, the gate first
 * @param down {@code [hidden, intermediate]}
 * @param activation applied to the gate
 */
public record JointGatedMlp(LinearLayer gateUp, LinearLayer down, Activation activation)
    implements Mlp {

  @Override
  public Tensor forward(Tensor x, ForwardContext context) {
    try (TensorScope scope = TensorScope.open()) {
      Tensor both = gateUp.forward(x, context);
      Tensor gated;
      if (CustomFunction.available()) {
        gated = GatedActivation.applyToHalves(activation, both);
      } else {
        long half = both.size(-1) / 2;
        gated = activation.apply(both.narrow(-1, 0, half)).mul(both.narrow(-1, half, half));
      }
      return scope.handOver(down.forward(gated, context));
    }
  }

  @Override
  public Optional<StepMlp> step(StepPart part) {
    return new StepLayers(part)
        .add(gateUp, 2)
        .add(down)
        .all()
        .map(
            layers ->
                new StepMlp(
                    part,
                    layers.subList(0, 1),
                    layers.get(1),
                    activation.step(),
                    StepMlp.Form.JOINT));
  }

  @Override
  public JointGatedMlp withLinears(LayerChange change) {
    return new JointGatedMlp(change.apply(gateUp), change.apply(down), activation);
  }

  @Override
  public void forEachParameter(BiConsumer<String, Tensor> visitor) {
    gateUp.forEachParameter(visitor);
    down.forEachParameter(visitor);
  }

  @Override
  public void close() {
    gateUp.close();
    down.close();
  }
}
