package io.github.lora4j.quant;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.lora4j.data.Batch;
import io.github.lora4j.model.CausalLM;
import io.github.lora4j.nn.ForwardContext;
import io.github.lora4j.peft.LoraConfig;
import io.github.lora4j.peft.PeftModel;
import io.github.lora4j.peft.TargetModules;
import io.github.lora4j.tensor.Generator;
import io.github.lora4j.tensor.NativeMemory;
import io.github.lora4j.tensor.Tensor;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A thousand steps of QLoRA take no more native memory than the first few hundred. */
class QloraMemoryIT {

  private static final int STEPS = 1000;

  private static final int EVERY = 10;

  /** Less than what a tensor needs beside its numbers. */
  private static final long GROWTH_A_STEP = 500;

  @TempDir private Path dir;

  @Test
  void aThousandStepsStayFlat() {
    List<Long> handles = new ArrayList<>();
    List<Long> allocated = new ArrayList<>();
    LoraConfig lora = LoraConfig.builder().r(4).targetModules(TargetModules.allLinear()).build();
    try (CausalLM base = TinyModels.load(TinyModels.write("llama", dir), BitsAndBytesConfig.nf4());
        PeftModel<CausalLM> peft = PeftModel.wrap(base, lora);
        Generator dropout = Generator.of(7)) {
      Batch batch = TinyModels.batch();
      for (int step = 0; step < STEPS; step++) {
        // Every other step recomputes its blocks, so that both ways are looked at.
        ForwardContext context =
            ForwardContext.training(dropout).gradientCheckpointing(step % 2 == 1);
        peft.lossAndBackward(batch, 1.0 / batch.supervisedTokens(), context);
        peft.trainableParameters().values().forEach(Tensor::clearGrad);
        if (step % EVERY == 0) {
          handles.add(NativeMemory.liveHandles());
          NativeMemory.allocatedBytes().ifPresent(allocated::add);
        }
      }
    }
    int half = handles.size() / 2;
    assertThat(handles.get(handles.size() - 1)).isLessThanOrEqualTo(handles.get(half) + 20);
    if (!allocated.isEmpty()) {
      assertThat(growth(allocated)).as("bytes %s", allocated).isLessThan(GROWTH_A_STEP * EVERY);
    }
  }

  /**
   * The median growth from one measurement of the second half to the next: a leak grows each time,
   * while the JVM's own memory jumps up and down now and then.
   */
  private static long growth(List<Long> measured) {
    List<Long> growths = new ArrayList<>();
    for (int i = measured.size() / 2; i + 1 < measured.size(); i++) {
      growths.add(measured.get(i + 1) - measured.get(i));
    }
    growths.sort(null);
    return growths.get(growths.size() / 2);
  }
}
