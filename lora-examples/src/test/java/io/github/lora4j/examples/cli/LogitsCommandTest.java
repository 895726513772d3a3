package io.github.lora4j.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.lora4j.data.Batch;
import io.github.lora4j.io.SafeTensorsWriter;
import io.github.lora4j.model.AutoModelForSequenceClassification;
import io.github.lora4j.model.SequenceClassifier;
import io.github.lora4j.peft.InitLoraWeights;
import io.github.lora4j.peft.LoraConfig;
import io.github.lora4j.peft.PeftModel;
import io.github.lora4j.peft.TaskType;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LogitsCommandTest {

  private static final Path LLAMA = LogitsFiles.referenceCases();
  private static final Path BASE = LLAMA.resolve("base");
  private static final int VOCAB = 64;
  private static final double TOLERANCE = 1e-4;

  @TempDir Path work;

  private Invocation logits(Path model, Path input, Object... more) {
    List<Object> args = new ArrayList<>(List.of("logits", "--model", model, "--input", input));
    args.addAll(List.of("--output", output()));
    args.addAll(List.of(more));
    return Invocation.of(args.toArray());
  }

  private Path output() {
    return work.resolve("out.safetensors");
  }

  private float[] computed() {
    return LogitsFiles.floats(output(), "logits");
  }

  private Path input(Map<String, long[]> values, long... shape) {
    return LogitsFiles.write(work.resolve("in.safetensors"), values, shape);
  }

  @Test
  void inputsAreNeverReplaced() throws IOException {
    Path file = input(Map.of("input_ids", new long[] {1, 2}), 1, 2);
    byte[] before = Files.readAllBytes(file);
    Path model = TinyModel.create(work.resolve("model"));
    for (Path output : List.of(file, model.resolve("model.safetensors"))) {
      Object[] args = {"logits", "--model", model, "--input", file, "--output", output};
      assertThat(Invocation.of(args).failure()).contains("--output", "inputs");
    }
    assertThat(file).hasBinaryContent(before);
  }

  @Test
  void theBaseGivesTheReferencesLogits() {
    Path reference = LLAMA.resolve("expected.safetensors");
    JsonNode result = logits(BASE, reference, "--json").json();
    assertThat(result.get("shape").toString()).isEqualTo("[2,14,64]");
    assertThat(result.get("dtype").textValue()).isEqualTo("float32");
    float[] expected = LogitsFiles.floats(reference, "logits");
    assertThat(LogitsFiles.relativeDifference(computed(), expected)).isLessThan(TOLERANCE);

    for (String half : List.of("bf16", "f16")) {
      assertThat(logits(BASE, reference, "--dtype", half).succeeds().out()).contains("float16");
      assertThat(LogitsFiles.relativeDifference(computed(), expected)).isBetween(1e-5, 5e-2);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"plain", "rslora", "all-linear", "regex", "patterns", "layers"})
  void anAdapterGivesTheReferencesLogits(String kind) {
    Path folder = LLAMA.resolve("adapters").resolve(kind);
    Path reference = folder.resolve("expected.safetensors");
    logits(BASE, reference, "--adapter", folder.resolve("adapter")).succeeds();
    float[] expected = LogitsFiles.floats(reference, "logits");
    assertThat(LogitsFiles.relativeDifference(computed(), expected)).isLessThan(TOLERANCE);
  }

  @Test
  void aClassifierGivesTheReferencesLogits() {
    Path folder = LLAMA.resolve("seqcls");
    Path reference = folder.resolve("expected.safetensors");
    JsonNode result = logits(folder, reference, "--head", "seqcls", "--json").json();
    assertThat(result.get("shape").toString()).isEqualTo("[2,3]");
    float[] expected = LogitsFiles.floats(reference, "logits");
    assertThat(LogitsFiles.relativeDifference(computed(), expected)).isLessThan(TOLERANCE);
  }

  @Test
  void withoutAMaskEveryIdIsAToken() {
    long[] ids = {5, 6, 7, 8, 9, 10};
    long[] ones = {1, 1, 1, 1, 1, 1};
    logits(BASE, input(Map.of("input_ids", ids), 2, 3)).succeeds();
    float[] without = computed();
    logits(BASE, input(Map.of("input_ids", ids, "attention_mask", ones), 2, 3)).succeeds();
    assertThat(computed()).isEqualTo(without);
  }

  @Test
  void paddingOnEitherSideChangesNothingForTheTokens() {
    logits(BASE, input(Map.of("input_ids", new long[] {5, 6, 7}), 1, 3)).succeeds();
    float[] alone = computed();
    long[] left = {0, 0, 5, 6, 7};
    long[] leftMask = {0, 0, 1, 1, 1};
    logits(BASE, input(Map.of("input_ids", left, "attention_mask", leftMask), 1, 5)).succeeds();
    float[] padded = computed();
    assertThat(
            LogitsFiles.relativeDifference(Arrays.copyOfRange(padded, 2 * VOCAB, 5 * VOCAB), alone))
        .isLessThan(TOLERANCE);
    long[] right = {5, 6, 7, 0, 0};
    long[] rightMask = {1, 1, 1, 0, 0};
    logits(BASE, input(Map.of("input_ids", right, "attention_mask", rightMask), 1, 5)).succeeds();
    assertThat(LogitsFiles.relativeDifference(Arrays.copyOf(computed(), 3 * VOCAB), alone))
        .isLessThan(TOLERANCE);
  }

  @Test
  void inputsThatDoNotFitNameFileAndTensor() {
    assertThat(logits(BASE, input(Map.of("ids", new long[] {5}), 1, 1)).failure())
        .contains("in.safetensors", "input_ids");
    assertThat(logits(BASE, input(Map.of("input_ids", new long[] {5, 6}), 2)).failure())
        .contains("in.safetensors", "input_ids", "[batch, seq]", "[2]");
    assertThat(
            logits(BASE, input(Map.of("input_ids", new long[0], "x", new long[0]), 0, 3)).failure())
        .contains("in.safetensors", "input_ids", "at least one token");
    assertThat(logits(BASE, input(Map.of("input_ids", new long[] {5, -1}), 1, 2)).failure())
        .contains("in.safetensors", "input_ids", "-1 at [0, 1]");
    assertThat(
            logits(
                    BASE,
                    input(
                        Map.of("input_ids", new long[] {5, 6}, "attention_mask", new long[] {1, 2}),
                        2,
                        1))
                .failure())
        .contains("in.safetensors", "attention_mask", "2 at [1, 0]");
    assertThat(logits(BASE, input(Map.of("input_ids", new long[] {5, VOCAB}), 1, 2)).failure())
        .contains("input_ids", "64");
    assertThat(output()).doesNotExist();
  }

  @Test
  void otherTypesAndShapesNameFileAndTensor() {
    Path file = work.resolve("mixed.safetensors");
    try (Tensor floats = Tensor.of(new float[] {5, 6}, 1, 2)) {
      SafeTensorsWriter.write(file, Map.of("input_ids", floats));
    }
    assertThat(logits(BASE, file).failure())
        .contains("mixed.safetensors", "input_ids", "expected dtype I64, found F32");
    try (Tensor ids = Tensor.of(new long[] {5, 6}, 1, 2);
        Tensor mask = Tensor.of(new long[] {1, 1}, 2, 1)) {
      SafeTensorsWriter.write(file, Map.of("input_ids", ids, "attention_mask", mask));
    }
    assertThat(logits(BASE, file).failure())
        .contains("mixed.safetensors", "attention_mask", "[1, 2]", "[2, 1]");
    assertThat(logits(BASE, work.resolve("gone.safetensors")).failure())
        .contains("gone.safetensors", "no such file");
    assertThat(logits(BASE, TinyModel.write(work.resolve("text.safetensors"), "no")).failure())
        .contains("text.safetensors");
  }

  @Test
  void anAdapterOnAClassifierGivesTheLibrarysScores() {
    Path classifier = LLAMA.resolve("seqcls");
    Path adapter = work.resolve("adapter");
    LoraConfig config =
        LoraConfig.builder()
            .taskType(TaskType.SEQ_CLS)
            .initLoraWeights(InitLoraWeights.RANDOM)
            .build();
    long[] ids = {5, 6, 7};
    float[] expected;
    float[] ofTheBase;
    try (TensorScope scope = TensorScope.open();
        SequenceClassifier base = AutoModelForSequenceClassification.fromPretrained(classifier);
        PeftModel<SequenceClassifier> peft = PeftModel.wrap(base, config)) {
      Batch batch = new Batch(1, 3, new int[] {5, 6, 7}, new int[] {1, 1, 1}, new int[] {5, 6, 7});
      expected = peft.model().logits(batch).toFloatArray();
      ofTheBase = base.logits(batch).toFloatArray();
      peft.savePretrained(adapter);
    }
    Path file = input(Map.of("input_ids", ids), 1, 3);
    logits(classifier, file, "--head", "seqcls", "--adapter", adapter).succeeds();
    assertThat(computed()).isEqualTo(expected);
    assertThat(LogitsFiles.relativeDifference(ofTheBase, expected)).isGreaterThan(1e-3);
  }
}
