package io.github.lora4j.quant;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.lora4j.data.Batch;
import io.github.lora4j.model.AutoModelForCausalLM;
import io.github.lora4j.model.CausalLM;
import io.github.lora4j.model.LoadOptions;
import io.github.lora4j.nn.ForwardContext;
import io.github.lora4j.peft.LoraConfig;
import io.github.lora4j.peft.PeftModel;
import io.github.lora4j.peft.TargetModules;
import io.github.lora4j.quant.optim.BlockwiseOptimizers;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Generator;
import io.github.lora4j.tensor.TensorScope;
import io.github.lora4j.train.OptimizedParameter;
import io.github.lora4j.train.Optimizer;
import io.github.lora4j.train.OptimizerName;
import io.github.lora4j.train.TrainingArguments;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A quantized model on a GPU does what it does on the CPU. */
@Tag("gpu")
class QloraGpuTest {

  private static final double TOLERANCE = 1e-4;

  @TempDir Path dir;

  private static CausalLM load(Path folder, BitsAndBytesConfig config, Device device) {
    return AutoModelForCausalLM.fromPretrained(
        folder, LoadOptions.builder().dtype(DType.F32).quantization(config).device(device).build());
  }

  private static BitsAndBytesConfig config(boolean four) {
    return four ? TinyModels.nf4InFloat32() : BitsAndBytesConfig.int8();
  }

  @ParameterizedTest
  @CsvSource({
    "llama, true, false, ADAMW_BNB_8BIT",
    "llama, true, true, PAGED_LION_8BIT",
    "gpt_neox, true, true, PAGED_ADAMW_32BIT",
    "gpt2, false, false, LION_32BIT",
    "llama, false, true, ADAMW_BNB_8BIT"
  })
  void anAdapterLearnsTheSame(String family, boolean four, boolean plain, OptimizerName optim) {
    Path folder = TinyModels.write(family, dir);
    List<Double> onCpu;
    List<Double> onGpu;
    try (CausalLM model = load(folder, config(four), Device.CPU)) {
      onCpu = losses(model, plain, optim);
    }
    try (CausalLM model = load(folder, config(four), Device.cuda(0))) {
      assertThat(model.parameters().values()).allMatch(t -> t.device().equals(Device.cuda(0)));
      onGpu = losses(model, plain, optim);
    }
    for (int step = 0; step < onCpu.size(); step++) {
      assertThat(Math.abs(onGpu.get(step) / onCpu.get(step) - 1))
          .as("step %d", step)
          .isLessThan(TOLERANCE);
    }
    assertThat(onGpu.get(onGpu.size() - 1)).isLessThan(onGpu.get(0));
  }

  private static List<Double> losses(CausalLM base, boolean plain, OptimizerName optim) {
    LoraConfig lora =
        LoraConfig.builder().r(4).alpha(8).targetModules(TargetModules.allLinear()).build();
    List<Double> losses = new ArrayList<>();
    Batch batch = TinyModels.batch();
    try (PeftModel<CausalLM> peft = PeftModel.wrap(base, lora);
        Generator dropout = Generator.of(7)) {
      List<OptimizedParameter> parameters = new ArrayList<>();
      peft.trainableParameters()
          .forEach((name, p) -> parameters.add(new OptimizedParameter(name, p, 0, 1)));
      TrainingArguments args = TrainingArguments.builder().optim(optim).build();
      try (Optimizer optimizer = new BlockwiseOptimizers().create(parameters, args)) {
        for (int step = 0; step < 5; step++) {
          try (TensorScope scope = TensorScope.open()) {
            losses.add(
                peft.lossAndBackward(
                    batch,
                    1.0 / batch.supervisedTokens(),
                    ForwardContext.training(dropout).plain(plain)));
            optimizer.step(1e-3);
            optimizer.zeroGrad();
          }
        }
      }
    }
    return losses;
  }

  @Test
  void whatWasQuantizedForAGpuIsSavedAndLoadedThere() {
    Path folder = TinyModels.write("llama", dir.resolve("dense"));
    Path again = dir.resolve("again");
    Path expected = dir.resolve("expected");
    try (CausalLM host = load(folder, config(true), Device.CPU);
        CausalLM gpu = load(folder, config(true), Device.cuda(0))) {
      host.savePretrained(expected);
      gpu.savePretrained(again);
      assertThat(Shared.tensors(again)).isEqualTo(Shared.tensors(expected));
    }
    LoadOptions there = LoadOptions.builder().device(Device.cuda(0)).build();
    try (CausalLM host = load(folder, config(true), Device.CPU);
        CausalLM gpu = AutoModelForCausalLM.fromPretrained(again, there)) {
      assertThat(Shared.difference(TinyModels.logits(gpu), TinyModels.logits(host)))
          .isLessThan(TOLERANCE);
    }
  }
}
