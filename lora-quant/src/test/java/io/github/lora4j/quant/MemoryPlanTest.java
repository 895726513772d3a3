package io.github.lora4j.quant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.lora4j.error.AdapterMismatchException;
import io.github.lora4j.model.LoadOptions;
import io.github.lora4j.model.ModelConfig;
import io.github.lora4j.peft.LoraConfig;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.NativeMemory;
import io.github.lora4j.train.OptimizerName;
import io.github.lora4j.train.TrainingArguments;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MemoryPlanTest {

  private static final int HIDDEN = 64;
  private static final int WIDE = 160;
  private static final int LAYERS = 3;
  private static final int VOCAB = 1000;
  private static final int KEYS = 32;

  private static final ModelConfig LLAMA =
      ModelConfig.of(
          """
          {"model_type": "llama", "vocab_size": 1000, "hidden_size": 64, "intermediate_size": 160,
           "num_hidden_layers": 3, "num_attention_heads": 4, "num_key_value_heads": 2,
           "max_position_embeddings": 512, "rms_norm_eps": 1e-5, "tie_word_embeddings": true,
           "dtype": "bfloat16"}
          """,
          "a small Llama");

  private static final LoraConfig QV =
      LoraConfig.builder().r(4).targetModules("q_proj", "v_proj").build();

  private static final long LINEAR =
      LAYERS * (2L * HIDDEN * HIDDEN + 2L * KEYS * HIDDEN + 3L * WIDE * HIDDEN);
  private static final long OTHER = (long) VOCAB * HIDDEN + (2L * LAYERS + 1) * HIDDEN;
  private static final long ADAPTER = LAYERS * 4L * (HIDDEN + HIDDEN + HIDDEN + KEYS);

  private static MemoryPlanBuilder plan() {
    return MemoryPlan.of(LLAMA).lora(QV).batchSize(2).sequenceLength(64);
  }

  @Test
  void whatIsHeldForGoodIsCountedExactly() {
    MemoryPlan plan = plan().estimate();

    assertThat(plan.weights()).isEqualTo(2 * (LINEAR + OTHER));
    assertThat(plan.adapter()).isEqualTo(4 * ADAPTER);
    assertThat(plan.gradients()).isEqualTo(4 * ADAPTER);
    assertThat(plan.optimizer()).isEqualTo(8 * ADAPTER);
    assertThat(plan.loading()).isZero();
    assertThat(plan.scratch()).isZero();
  }

  @Test
  void anotherDTypeThanTheFilesTakesBothWhileLoading() {
    MemoryPlan plan = plan().dtype(DType.F32).estimate();

    assertThat(plan.weights()).isEqualTo(4 * (LINEAR + OTHER));
    assertThat(plan.loading()).isEqualTo(2 * (LINEAR + OTHER));
  }

  @Test
  void quantizedWeightsTakeTheirCodesAndScalesAndOneIsDecoded() {
    long blocks = LINEAR / 64;
    assertThat(plan().quantization(single(Bnb4BitQuantType.FP4)).estimate().weights())
        .isEqualTo(2 * OTHER + LINEAR / 2 + 4 * blocks);
    MemoryPlan twice =
        plan()
            .loadOptions(LoadOptions.builder().quantization(BitsAndBytesConfig.nf4()).build())
            .estimate();
    // Each weight has fewer than 256 blocks, and so one second scale.
    assertThat(twice.weights()).isEqualTo(2 * OTHER + LINEAR / 2 + blocks + 4L * 7 * LAYERS);
    assertThat(twice.scratch()).isEqualTo(2L * WIDE * HIDDEN);
    long rows = LAYERS * (2L * HIDDEN + 2 * KEYS + 2 * WIDE + HIDDEN);
    assertThat(plan().quantization(BitsAndBytesConfig.int8()).estimate().weights())
        .isEqualTo(2 * OTHER + LINEAR + 4 * rows);
  }

  private static BitsAndBytesConfig single(Bnb4BitQuantType type) {
    return BitsAndBytesConfig.builder().loadIn4Bit(true).bnb4BitQuantType(type).build();
  }

  @Test
  void blocksKeepWhatTheirLayersNeedOnTheWayBack() {
    long tokens = 128;
    long block =
        2L * HIDDEN // inputs of the norms
            + HIDDEN // queries
            + 2 * KEYS
            + 2 * 16 // sines and cosines
            + 2 * WIDE
            + 2 * 4; // rank
    long inverse = 2 * 4;
    // Nothing learns before the first block: its first norm keeps its result, as the input of q
    // and v, rather than what it was made from.
    long all = LAYERS * (2 * block + inverse) - 4;

    assertThat(plan().estimate().activations()).isEqualTo(tokens * all + 2 * ADAPTER);
    assertThat(plan().gradientCheckpointing(true).estimate().activations())
        .isEqualTo(tokens * (LAYERS * 2 * HIDDEN + 2 * block + inverse));
  }

  @Test
  void ofWhatAdaptersReadOnlyMixedValuesAreKept() {
    LoraConfig every = QV.toBuilder().targetModules("all-linear").build();
    long more =
        plan().lora(every).gradientCheckpointing(true).estimate().activations()
            - plan().gradientCheckpointing(true).estimate().activations();

    assertThat(more).isEqualTo(2L * 128 * (HIDDEN + 5 * 4)); // and five thin products
  }

  @Test
  void moreIsKeptWithMoreTokensMoreLayersThatLearnAndDropout() {
    long base = plan().estimate().activations();

    assertThat(plan().batchSize(4).estimate().activations()).isGreaterThan(base);
    assertThat(plan().sequenceLength(65).estimate().activations()).isGreaterThan(base);
    assertThat(plan().lora(QV.toBuilder().dropout(0.1).build()).estimate().activations())
        .isGreaterThan(base);
    assertThat(plan().gradientCheckpointing(true).estimate().activations()).isLessThan(base);
    MemoryPlan whole = MemoryPlan.of(LLAMA).batchSize(2).sequenceLength(64).estimate();
    assertThat(whole.activations()).isGreaterThan(base);
    assertThat(whole.gradients()).isEqualTo(2 * (LINEAR + OTHER));
    assertThat(whole.optimizer()).isEqualTo(8 * (LINEAR + OTHER));
    assertThat(whole.adapter()).isZero();
  }

  @Test
  void theArgumentsOfARunAreTaken() {
    TrainingArguments args =
        TrainingArguments.builder()
            .perDeviceTrainBatchSize(2)
            .gradientCheckpointing(true)
            .optim(OptimizerName.SGD)
            .build();
    MemoryPlan plan = MemoryPlan.of(LLAMA).lora(QV).arguments(args).sequenceLength(64).estimate();

    assertThat(plan)
        .isEqualTo(plan().gradientCheckpointing(true).optim(OptimizerName.SGD).estimate());
    assertThat(plan.optimizer()).isZero();
    TrainingArguments autocast = TrainingArguments.builder().bf16(true).build();
    assertThatThrownBy(() -> plan().arguments(autocast)).hasMessageContaining("bf16");
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource({"8GB, 8000000000", "7.5 GiB, 8053063680", "512MB, 512000000", "3kib, 3072"})
  void amountsOfMemoryAreRead(String text, long bytes) {
    MemoryPlan plan = new MemoryPlan(bytes, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    assertThat(plan.fits(text)).isTrue();
    MemoryPlan more = new MemoryPlan(bytes + 1, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    assertThat(more.fits(text)).isFalse();
  }

  @Test
  void thePeakIsOfLoadingOrTrainingWhicheverIsMore() {
    assertThat(new MemoryPlan(1, 2, 3, 4, 5, 6, 7, 8, 9, 10).peak()).isEqualTo(45);
    assertThat(new MemoryPlan(1, 2, 3, 4, 5, 6, 7, 8, 9, 100).peak()).isEqualTo(106);
  }

  @Test
  void theTableNamesAllParts() {
    assertThat(plan().estimate().toString())
        .contains("weights", "activations", "optimizer", "overhead", "peak", " MB");
  }

  @Test
  void mistakesAreNamed() {
    MemoryPlan plan = plan().estimate();
    assertThatThrownBy(() -> plan.fits("a lot")).hasMessageContaining("found \"a lot\"");
    assertThatThrownBy(() -> plan.fits("8")).hasMessageContaining("8GB");
    assertThatThrownBy(() -> plan().batchSize(0)).hasMessageContaining("batchSize");
    assertThatThrownBy(
            () -> plan().lora(LoraConfig.builder().targetModules("q_porj").build()).estimate())
        .isInstanceOf(AdapterMismatchException.class);
  }

  @Test
  void reckoningLeavesNothingBehind() {
    plan().estimate();
    long before = NativeMemory.liveHandles();
    plan().estimate();
    assertThat(NativeMemory.liveHandles()).isLessThanOrEqualTo(before);
  }
}
