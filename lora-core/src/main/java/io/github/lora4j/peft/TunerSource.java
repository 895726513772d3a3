package io.github.lora4j.peft;

import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Generator;
import io.github.lora4j.tensor.NoGrad;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/** Where an adapter's parameters come from. */
sealed interface TunerSource {

  /** How strictly names in the configuration are taken. */
  NameCheck check();

  /**
   * The parameters, which the caller owns.
   *
   * @param expected for each of PEFT's names the shape and how it begins, float32
   */
  Map<String, Tensor> parameters(Map<String, Parameter> expected, Device device);

  /**
   * A parameter.
   *
   * @param shape in the file
   * @param fresh makes it, in the caller's scope
   */
  record Parameter(List<Long> shape, Supplier<Tensor> fresh) {

    /** One of a given shape. */
    static Parameter of(long[] shape, Supplier<Tensor> fresh) {
      return new Parameter(Arrays.stream(shape).boxed().toList(), fresh);
    }

    /** A copy of a parameter of the base. */
    static Parameter copyOf(Tensor original) {
      return of(original.shape(), () -> original.detach().to(DType.F32).copy().contiguous());
    }
  }

  /** A fresh adapter that is to be trained. */
  record Fresh(Generator generator) implements TunerSource {

    @Override
    public NameCheck check() {
      return NameCheck.STRICT;
    }

    @Override
    public Map<String, Tensor> parameters(Map<String, Parameter> expected, Device device) {
      Map<String, Tensor> made = new LinkedHashMap<>();
      expected.forEach(
          (name, parameter) -> {
            try (TensorScope scope = TensorScope.open();
                NoGrad noGrad = NoGrad.open()) {
              Tensor fresh = parameter.fresh().get().to(device);
              made.put(name, TensorScope.keep(fresh.detach()).requiresGrad(true));
            }
          });
      return made;
    }
  }

  /** A saved adapter. */
  record Stored(Path folder, boolean trainable) implements TunerSource {

    @Override
    public NameCheck check() {
      return NameCheck.LENIENT;
    }

    @Override
    public Map<String, Tensor> parameters(Map<String, Parameter> expected, Device device) {
      Map<String, List<Long>> shapes = new LinkedHashMap<>();
      expected.forEach((name, parameter) -> shapes.put(name, parameter.shape()));
      Map<String, Tensor> read = TunerFolder.read(folder, shapes, device);
      read.values().forEach(tensor -> tensor.requiresGrad(trainable));
      return read;
    }
  }
}
