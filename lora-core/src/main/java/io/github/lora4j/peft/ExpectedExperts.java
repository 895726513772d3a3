package io.github.lora4j.peft;

import io.github.lora4j.nn.ExpertLinear;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.function.UnaryOperator;

/**
 * The updates of all experts: in two matrices, or, in adapters made with transformers 4, in two for
 * each linear layer of each expert.
 *
 * @param target which parameter
 * @param layer the experts
 * @param older a tensor's name in transformers 4
 */
record ExpectedExperts(ExpertTarget target, ExpertLinear layer, UnaryOperator<String> older)
    implements ExpectedUpdate {

  @Override
  public String module() {
    return target.module();
  }

  @Override
  public Map<String, List<Long>> shapes(Set<String> there) {
    Map<String, List<Long>> shapes = new LinkedHashMap<>();
    long in = layer.inFeatures();
    long out = layer.outFeatures();
    if (!isApart(there)) {
      long rows = (long) target.r() * layer.experts();
      shapes.put(module() + LoraWeights.A, List.of(rows, in));
      shapes.put(module() + LoraWeights.B, List.of(out, rows));
      return shapes;
    }
    for (int expert = 0; expert < layer.experts(); expert++) {
      for (int part = 0; part < parts(); part++) {
        shapes.put(name(there, expert, part, LoraWeights.A), List.of(rankOfPart(), in));
        shapes.put(name(there, expert, part, LoraWeights.B), List.of(out / parts(), rankOfPart()));
      }
    }
    return shapes;
  }

  @Override
  public LoraWeights read(Set<String> there, Function<String, Tensor> tensor) {
    if (!isApart(there)) {
      return new LoraWeights(
          tensor.apply(module() + LoraWeights.A), tensor.apply(module() + LoraWeights.B));
    }
    Device device = layer.device();
    long rows = (long) target.r() * layer.experts();
    LoraWeights whole =
        new LoraWeights(
            TensorScope.keep(Tensor.zeros(DType.F32, device, rows, layer.inFeatures())),
            TensorScope.keep(Tensor.zeros(DType.F32, device, layer.outFeatures(), rows)));
    ExpertUpdate places = new ExpertUpdate(whole, layer.experts(), target.scaling());
    long rank = rankOfPart();
    long out = layer.outFeatures() / parts();
    for (int expert = 0; expert < layer.experts(); expert++) {
      for (int part = 0; part < parts(); part++) {
        try (TensorScope scope = TensorScope.open();
            Tensor a = tensor.apply(name(there, expert, part, LoraWeights.A));
            Tensor b = tensor.apply(name(there, expert, part, LoraWeights.B))) {
          places.ofA(whole.a(), expert).narrow(0, part * rank, rank).copyInPlace(a);
          // Each part has ranks of its own, so that B is zero outside of blocks on the diagonal.
          places
              .ofB(whole.b(), expert)
              .narrow(0, part * out, out)
              .narrow(1, part * rank, rank)
              .copyInPlace(b);
        }
      }
    }
    return whole;
  }

  private boolean isApart(Set<String> there) {
    return !there.contains(module() + LoraWeights.A)
        && there.contains(name(there, 0, 0, LoraWeights.A));
  }

  private String name(Set<String> there, int expert, int part, String matrix) {
    String name = target.container() + "." + expert + "." + target.parts().get(part) + matrix;
    return there.contains(name) ? name : older.apply(name);
  }

  private int parts() {
    return target.parts().size();
  }

  private long rankOfPart() {
    return target.r() / parts();
  }
}
