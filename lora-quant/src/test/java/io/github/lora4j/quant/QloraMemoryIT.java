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
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A thousand steps of QLoRA take no more native memory than the first few hundred. */
class QloraMemoryIT {

  private static final int STEPS = 1000;

  private static final int EVERY = 10;

  /** Pages that the JVM's own heap touches late; a leak of one weight a step would be many more. */
  private static final long SLACK = 8_000_000;

  @TempDir private Path dir;

  @Test
  void aThousandStepsStayFlat() {
    List<Long> handles = new ArrayList<>();
    List<Long> resident = new ArrayList<>();
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
          resident.add(NativeMemory.residentBytes());
        }
      }
    }
    int half = handles.size() / 2;
    assertThat(handles.get(handles.size() - 1)).isLessThanOrEqualTo(handles.get(half) + 20);
    int last = handles.size() * 3 / 4;
    assertThat(Collections.min(resident.subList(last, resident.size())))
        .as("resident %s", resident)
        .isLessThan(Collections.min(resident.subList(half, last)) + SLACK);
  }
}
