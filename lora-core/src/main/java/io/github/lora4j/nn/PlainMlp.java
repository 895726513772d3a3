package io.github.lora4j.nn;

import io.github.lora4j.nn.step.StepMlp;
import io.github.lora4j.nn.step.StepPart;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.Optional;
import java.util.function.BiConsumer;

/**
 * The MLP without a gate, {@code down(act(up(x)))}, of GPT-2 and its relatives.
 *
 * @param up {@code [intermediate, hidden]}
 * @param down {@code [hidden, intermediate]}
 * @param activation applied between them
 */
public record PlainMlp(LinearLayer up, LinearLayer down, Activation activation) implements Mlp {

  @Override
  public Tensor forward(Tensor x, ForwardContext context) {
    try (TensorScope scope = TensorScope.open()) {
      return scope.handOver(down.forward(activation.apply(up.forward(x, context)), context));
    }
  }

  @Override
  public Optional<StepMlp> step(StepPart part) {
    return new StepLayers(part)
        .add(up)
        .add(down)
        .all()
        .map(
            layers ->
                new StepMlp(
                    part,
                    layers.subList(0, 1),
                    layers.get(1),
                    activation.step(),
                    StepMlp.Form.PLAIN));
  }

  @Override
  public PlainMlp withLinears(LayerChange change) {
    return new PlainMlp(change.apply(up), change.apply(down), activation);
  }

  @Override
  public void forEachParameter(BiConsumer<String, Tensor> visitor) {
    up.forEachParameter(visitor);
    down.forEachParameter(visitor);
  }

  @Override
  public void close() {
    up.close();
    down.close();
  }
}
