package io.github.lora4j.peft;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.lora4j.data.Batch;
import io.github.lora4j.internal.torch.LargeBlocks;
import io.github.lora4j.model.AutoModelForCausalLM;
import io.github.lora4j.model.CausalLM;
import io.github.lora4j.model.ModelConfig;
import io.github.lora4j.nn.ForwardContext;
import io.github.lora4j.nn.LinearLayer;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Generator;
import io.github.lora4j.testing.ForgottenTensors;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.Arrays;
import java.util.OptionalLong;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/** How many bytes blocks keep for the way back, to the byte. */
@EnabledOnOs(value = OS.LINUX, disabledReason = "elsewhere large tensors aren't counted")
class KeptActivationsTest {

  @BeforeEach
  void whatOtherTestsForgotIsFreedFirst() throws InterruptedException {
    ForgottenTensors.free();
  }

  private static final long HIDDEN = 256;
  private static final long WIDE = 640;
  private static final long KEYS = 128;
  private static final long LAYERS = 3;
  private static final int ROWS = 2;
  private static final int LENGTH = 256;

  private static final ModelConfig MODEL =
      ModelConfig.of(
          """
          {"model_type": "llama", "vocab_size": 100, "hidden_size": 256, "intermediate_size": 640,
           "num_hidden_layers": 3, "num_attention_heads": 4, "num_key_value_heads": 2,
           "max_position_embeddings": 512, "rms_norm_eps": 1e-5, "tie_word_embeddings": false}
          """,
          "a random Llama");

  private OptionalLong atHead = OptionalLong.empty();

  @Test
  void withAllLayersAdapted() {
    // x and its sum with attention, turned queries, keys and values, mixed values, gate and up
    assertThat(kept("all-linear"))
        .isEqualTo(bytes(LAYERS * (2 * HIDDEN + HIDDEN + 2 * KEYS + HIDDEN + 2 * WIDE)));
  }

  @Test
  void withTwoLayersAdapted() {
    assertThat(kept("q_proj", "v_proj"))
        .isEqualTo(bytes(LAYERS * (2 * HIDDEN + HIDDEN + 2 * KEYS + 2 * WIDE)));
  }

  private static long bytes(long numbersOfToken) {
    return ROWS * LENGTH * numbersOfToken * Float.BYTES;
  }

  /** What is in use when the head is asked first, more than before the pass. */
  private long kept(String... targets) {
    LoraConfig lora =
        LoraConfig.builder().r(4).taskType(TaskType.CAUSAL_LM).targetModules(targets).build();
    int[] ids = new int[ROWS * LENGTH];
    Arrays.setAll(ids, i -> i % 97);
    int[] mask = new int[ids.length];
    Arrays.fill(mask, 1);
    try (CausalLM base = AutoModelForCausalLM.fromConfig(MODEL, 1, Device.CPU);
        CausalLM watched =
            base.withLinears(layer -> layer.name().equals("lm_head") ? watched(layer) : layer);
        PeftModel<CausalLM> peft = PeftModel.wrap(watched, lora);
        Generator generator = Generator.of(1)) {
      long before = LargeBlocks.usedBytes();
      peft.lossAndBackward(
          new Batch(ROWS, LENGTH, ids, mask, ids), 1, ForwardContext.training(generator));
      assertThat(LargeBlocks.usedBytes() - before)
          .as("left behind")
          .isLessThan(LargeBlocks.SMALLEST);
      return atHead.orElseThrow() - before;
    }
  }

  private LinearLayer watched(LinearLayer head) {
    return (LinearLayer)
        Proxy.newProxyInstance(
            LinearLayer.class.getClassLoader(),
            new Class<?>[] {LinearLayer.class},
            (proxy, method, arguments) -> {
              if (method.getName().equals("forward") && atHead.isEmpty()) {
                atHead = OptionalLong.of(LargeBlocks.usedBytes());
              }
              try {
                return method.invoke(head, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }
}
