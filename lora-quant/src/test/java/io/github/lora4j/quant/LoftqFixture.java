package io.github.lora4j.quant;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.lora4j.io.SafeTensors;
import io.github.lora4j.model.AutoModelForCausalLM;
import io.github.lora4j.model.CausalLM;
import io.github.lora4j.model.LoadOptions;
import io.github.lora4j.nn.DenseLinear;
import io.github.lora4j.nn.LinearLayer;
import io.github.lora4j.nn.QuantizedLinear;
import io.github.lora4j.peft.PeftModel;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.NoGrad;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/** What make_loftq_fixtures.py saw PEFT compute. */
final class LoftqFixture implements AutoCloseable {

  /** The modules that it adapted. */
  static final List<String> MODULES =
      List.of("model.layers.0.self_attn.q_proj", "model.layers.0.mlp.down_proj");

  private static final double NEAR = 1e-5;
  private static final int EVERY = 5;

  private final SafeTensors file = SafeTensors.open(folder("expected.safetensors"));

  static Path folder(String name) {
    return Path.of("src/test/resources/peft/loftq", name);
  }

  static CausalLM base() {
    return load(folder("base"), DType.F32);
  }

  static CausalLM load(Path folder, DType dtype) {
    return AutoModelForCausalLM.fromPretrained(folder, LoadOptions.builder().dtype(dtype).build());
  }

  static float[] logits(CausalLM model) {
    int[] ids = {1, 5, 9, 13, 17, 21, 25, 29};
    int[] mask = new int[ids.length];
    Arrays.fill(mask, 1);
    try (TensorScope scope = TensorScope.open()) {
      return model.logits(ids, mask, 1).toFloatArray();
    }
  }

  float[] logits(String name) {
    try (TensorScope scope = TensorScope.open()) {
      return file.tensor(name + ".logits").toFloatArray();
    }
  }

  private Tensor of(String name, String module, String what) {
    return file.tensor(name + (module.endsWith("q_proj") ? ".q." : ".down.") + what);
  }

  /** Compares {@code times * B A} with PEFT's B A: the signs of singular vectors are free. */
  void requireSameProduct(String name, String module, PeftModel<CausalLM> peft, double times) {
    try (TensorScope scope = TensorScope.open();
        NoGrad noGrad = NoGrad.open()) {
      Tensor a = peft.trainableParameters().get(module + ".lora_A.weight");
      Tensor b = peft.trainableParameters().get(module + ".lora_B.weight");
      Tensor expected = of(name, module, "b").matmul(of(name, module, "a"));
      assertThat(Shared.difference(b.matmul(a).mul(times).toFloatArray(), expected.toFloatArray()))
          .as("%s of %s", module, name)
          .isLessThan(NEAR);
      // Both share the singular values as in PEFT.
      assertThat(
              Shared.difference(
                  a.square().sum().mul(times).toFloatArray(),
                  of(name, module, "a").square().sum().toFloatArray()))
          .isLessThan(NEAR);
    }
  }

  void requireSameWeight(String name, String module, CausalLM model) {
    float[] expected;
    try (TensorScope scope = TensorScope.open()) {
      expected = of(name, module, "weight").toFloatArray();
    }
    float[] weight = weight(model, module);
    float[] some = new float[expected.length];
    for (int i = 0; i < some.length; i++) {
      some[i] = weight[EVERY * i];
    }
    assertThat(Shared.difference(some, expected)).as("%s of %s", module, name).isLessThan(1e-6);
  }

  /** The weight of a layer, dense or decoded, {@code [out, in]}. */
  static float[] weight(CausalLM model, String module) {
    LinearLayer layer =
        model.linearLayers().stream()
            .filter(l -> l.name().equals(module))
            .findFirst()
            .orElseThrow();
    try (TensorScope scope = TensorScope.open()) {
      return layer instanceof QuantizedLinear few
          ? few.denseWeight(DType.F32).toFloatArray()
          : ((DenseLinear) layer).weight().to(DType.F32).contiguous().toFloatArray();
    }
  }

  @Override
  public void close() {
    file.close();
  }
}
