package io.github.lora4j.model;

import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Generator;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.HashSet;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Fresh parameters as transformers initialises them: matrices normally distributed with {@code
 * initializer_range}, norm weights one (zero where one is added to them), biases zero.
 */
final class RandomWeights implements WeightSource {

  private final Generator generator;
  private final double std;
  private final Device device;
  private final Set<String> zeros;

  RandomWeights(Generator generator, double std, Device device, DecoderSpec spec) {
    this.generator = generator;
    this.std = std;
    this.device = device;
    this.zeros = onePlusNorms(spec);
  }

  private static Set<String> onePlusNorms(DecoderSpec spec) {
    Set<String> names = new HashSet<>();
    spec.norm().filter(RandomWeights::isOnePlus).ifPresent(norm -> names.add(norm.name()));
    for (int i = 0; i < spec.numHiddenLayers(); i++) {
      int layer = i;
      BlockSpec block = spec.blocks().get(layer);
      Stream.concat(
              DecoderSpec.normsOf(block),
              block.attention().norms().stream().flatMap(both -> Stream.of(both.q(), both.k())))
          .filter(RandomWeights::isOnePlus)
          .forEach(norm -> names.add(spec.inLayer(layer, norm.name())));
    }
    return names;
  }

  private static boolean isOnePlus(NormSpec norm) {
    return norm.kind() == NormSpec.Kind.RMS_ONE_PLUS;
  }

  @Override
  public Tensor get(String name, long... shape) {
    try (TensorScope scope = TensorScope.open()) {
      if (shape.length == 1) {
        boolean zero = name.endsWith(".bias") || zeros.contains(withoutWeight(name));
        double value = zero ? 0 : 1;
        return TensorScope.keep(Tensor.full(value, DType.F32, device, shape));
      }
      return TensorScope.keep(Tensor.normal(0, std, generator, shape).to(device));
    }
  }

  private static String withoutWeight(String name) {
    return name.endsWith(".weight") ? name.substring(0, name.length() - ".weight".length()) : name;
  }
}
