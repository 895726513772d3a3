package io.github.lora4j.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.github.lora4j.peft.InitLoraWeights;
import io.github.lora4j.peft.LoraConfig;
import io.github.lora4j.peft.PeftModel;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.RowKernels;
import io.github.lora4j.tensor.TensorScope;
import io.github.lora4j.testing.FamilyCase;
import io.github.lora4j.testing.Fixtures;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Steps of decoding against whole passes over all tokens. */
class StepDecoderTest {

  private static final int[] LENGTHS = {5, 9, 2};
  private static final int STEPS = 40; // beyond one block of positions

  @TempDir Path work;

  @BeforeAll
  static void machine() {
    assumeThat(RowKernels.of(DType.F32, 3)).as("a processor with AVX-512").isPresent();
  }

  /** Without variants that are refused, and one whose rotation depends on the longest row. */
  static List<FamilyCase> families() {
    return FamilyCase.in(Fixtures.path("/families")).stream()
        .filter(one -> !List.of("falcon-alibi", "opt-bare", "phi3-border").contains(one.name()))
        .toList();
  }

  @ParameterizedTest
  @MethodSource("families")
  void scoresAreThoseOfAWholePass(FamilyCase family) {
    try (CausalLM model = load(family, DType.F32)) {
      boolean left = leftToOperators(model);
      assertThat(largestDifference(model, model, !left)).isLessThan(1e-4);
    }
  }

  /**
   * What has no form for steps: mixtures, weights stored transposed, norms of single heads, a
   * projection before the head.
   */
  private static boolean leftToOperators(CausalLM model) {
    String type = model.config().modelType();
    boolean normsOfHeads = model.norms().stream().anyMatch(n -> n.name().contains("q_layernorm"));
    return List.of("gpt2", "mixtral", "qwen3_moe").contains(type)
        || (type.equals("stablelm") && normsOfHeads)
        || model.spec().embeddingSize() != model.spec().hiddenSize();
  }

  @ParameterizedTest
  @ValueSource(strings = {"llama", "phi3", "gpt_neox", "gemma2"})
  void adaptersTakePart(String name) {
    try (CausalLM base = load(family(name), DType.F32);
        PeftModel<CausalLM> peft =
            PeftModel.wrap(
                base,
                LoraConfig.builder()
                    .r(4)
                    .alpha(9)
                    .targetModules("all-linear")
                    .initLoraWeights(InitLoraWeights.RANDOM)
                    .build())) {
      peft.addAdapter(
          "second",
          LoraConfig.builder()
              .r(2)
              .targetModules("all-linear")
              .initLoraWeights(InitLoraWeights.RANDOM)
              .build());
      assertThat(largestDifference(peft.model(), base, true)).isGreaterThan(1e-3);
      peft.setAdapter("default", "second");
      assertThat(largestDifference(peft.model(), peft.model(), true)).isLessThan(1e-4);
    }
  }

  /** An odd rank and DoRA have no form for steps. */
  @Test
  void otherAdaptersAreLeftToOperators() {
    for (LoraConfig lora :
        List.of(
            LoraConfig.builder().r(3).targetModules("all-linear").build(),
            LoraConfig.builder().r(4).useDora(true).targetModules("all-linear").build())) {
      try (CausalLM base = load(family("llama"), DType.F32);
          PeftModel<CausalLM> peft = PeftModel.wrap(base, lora)) {
        assertThat(largestDifference(peft.model(), peft.model(), false)).isLessThan(1e-4);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3})
  void bfloat16IsAtLeastAsExactAsOperators(int rows) {
    assumeThat(RowKernels.of(DType.BF16, rows)).as("a processor with bfloat16").isPresent();
    try (CausalLM exact = load(family("llama"), DType.F32);
        CausalLM model = load(family("llama"), DType.BF16)) {
      int[] lengths = Arrays.copyOf(LENGTHS, rows);
      double ofSteps = largestDifference(model, exact, true, lengths);
      double ofOperators = differenceOfPasses(model, exact, lengths);
      assertThat(ofSteps).isLessThan(1.5 * ofOperators);
    }
  }

  /** A session goes on with the weights it began with, whatever becomes of the adapter. */
  @Test
  void anAdapterThatIsMergedMeanwhileDoesNoHarm() {
    LoraConfig lora = LoraConfig.builder().r(4).targetModules("all-linear").build();
    try (CausalLM base = load(family("llama"), DType.F32);
        PeftModel<CausalLM> peft = PeftModel.wrap(base, lora);
        DecodingSession session = peft.model().startDecoding(prompts(LENGTHS), 20)) {
      peft.mergeAdapter();
      session.append(new int[] {3, 4, 5});
      peft.unmergeAdapter();
      session.append(new int[] {3, 4, 5});
      assertThat(session.logits()[0]).isNotEmpty();
    }
  }

  private FamilyCase family(String name) {
    return new FamilyCase(name, Fixtures.path("/families/" + name));
  }

  private CausalLM load(FamilyCase family, DType dtype) {
    Path base = work.resolve(family.name());
    if (!base.toFile().exists()) {
      family.expandedInto(work);
    }
    return AutoModelForCausalLM.fromPretrained(
        new FamilyCase(family.name(), base).base(), LoadOptions.builder().dtype(dtype).build());
  }

  private static int[][] prompts(int[] lengths) {
    return IntStream.range(0, lengths.length)
        .mapToObj(row -> Arrays.copyOf(text(row, lengths[row]), lengths[row]))
        .toArray(int[][]::new);
  }

  private static int[] text(int row, int length) {
    return IntStream.range(0, length).map(i -> 3 + (7 * i + 5 * row) % 20).toArray();
  }

  private static double largestDifference(CausalLM model, CausalLM other, boolean steps) {
    return largestDifference(model, other, steps, LENGTHS);
  }

  /** Of decoded scores to those of passes over all tokens, relative to the largest. */
  private static double largestDifference(
      CausalLM model, CausalLM other, boolean steps, int[] lengths) {
    int longest = Arrays.stream(lengths).max().orElseThrow();
    double largest = 0;
    try (DecodingSession session = model.startDecoding(prompts(lengths), longest + STEPS)) {
      assertThat(((CausalDecodingSession) session).takesSteps()).isEqualTo(steps);
      for (int step = 1; step <= STEPS; step++) {
        int[] next = new int[lengths.length];
        for (int row = 0; row < next.length; row++) {
          int length = lengths[row] + step;
          next[row] = text(row, length)[length - 1];
        }
        session.append(next);
        float[][] scores = session.logits();
        for (int row = 0; row < next.length; row++) {
          double difference =
              Fixtures.relativeDifference(scores[row], pass(other, row, lengths[row] + step));
          largest = Math.max(largest, difference);
        }
      }
    }
    return largest;
  }

  private static double differenceOfPasses(CausalLM model, CausalLM other, int[] lengths) {
    double largest = 0;
    for (int step = 1; step <= STEPS; step++) {
      for (int row = 0; row < lengths.length; row++) {
        int length = lengths[row] + step;
        largest =
            Math.max(
                largest,
                Fixtures.relativeDifference(pass(model, row, length), pass(other, row, length)));
      }
    }
    return largest;
  }

  private static float[] pass(CausalLM model, int row, int length) {
    int[] mask = new int[length];
    Arrays.fill(mask, 1);
    try (TensorScope scope = TensorScope.open()) {
      return model
          .logits(text(row, length), mask, 1)
          .narrow(1, length - 1, 1)
          .to(DType.F32)
          .toFloatArray();
    }
  }
}
