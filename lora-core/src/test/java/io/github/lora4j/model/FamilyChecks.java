package io.github.lora4j.model;

import io.github.lora4j.data.Batch;
import io.github.lora4j.data.Dataset;
import io.github.lora4j.data.Packing;
import io.github.lora4j.data.PaddingCollator;
import io.github.lora4j.data.TokenizedExample;
import io.github.lora4j.generate.GenerationConfig;
import io.github.lora4j.generate.TokenGenerator;
import io.github.lora4j.io.SafeTensors;
import io.github.lora4j.nn.ForwardContext;
import io.github.lora4j.peft.PeftModel;
import io.github.lora4j.tensor.Generator;
import io.github.lora4j.tensor.TensorScope;
import io.github.lora4j.testing.FamilyCase;
import io.github.lora4j.testing.Fixtures;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;

/**
 * Measures how far a model of ours is from what transformers and PEFT computed for the same case.
 *
 * <p>Each method gives the largest differences by what was compared, relative to the largest
 * expected number.
 */
final class FamilyChecks {

  private FamilyChecks() {}

  private static CausalLM load(FamilyCase parity) {
    return AutoModelForCausalLM.fromPretrained(parity.base());
  }

  // ---- the base

  /** Scores of the tokens that aren't padding, padded on either side. */
  static Map<String, Double> logits(FamilyCase parity) {
    Map<String, Double> found = new LinkedHashMap<>();
    Batch right = parity.batch();
    try (CausalLM model = load(parity)) {
      float[] expected = at(right, parity.expected("logits"));
      found.put("padded right", difference(real(model, right), expected));
      float[] last = last(model, turnedAround(right));
      found.put("padded left", difference(last, parity.expected("left.logits")));
    }
    return found;
  }

  /** The same model as an older config.json describes it, against the new one. */
  static double olderConfig(FamilyCase parity) {
    Path folder = parity.at("old");
    Batch batch = parity.batch();
    try (CausalLM model = load(parity)) {
      if (!Files.exists(folder.resolve("model.safetensors"))) {
        Files.copy(parity.at("base/model.safetensors"), folder.resolve("model.safetensors"));
      }
      try (CausalLM old = AutoModelForCausalLM.fromPretrained(folder)) {
        return difference(real(old, batch), real(model, batch));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** How many tokens of a greedy continuation differ, alone and beside a shorter prompt. */
  static Map<String, Double> greedy(FamilyCase parity) {
    Map<String, Double> found = new LinkedHashMap<>();
    int length = parity.batch().length();
    try (CausalLM model = load(parity);
        SafeTensors file = parity.expected()) {
      int[] whole = Fixtures.ints(file, "greedy");
      int[] prompt = Arrays.copyOf(whole, length);
      int[] expected = Arrays.copyOfRange(whole, length, whole.length);
      int[] shorter = Arrays.copyOfRange(prompt, 1, length / 2);
      GenerationConfig config = GenerationConfig.builder().maxNewTokens(expected.length).build();
      List<int[]> pair = TokenGenerator.generate(model, new int[][] {shorter, prompt}, config);
      int[] alone = TokenGenerator.generate(model, new int[][] {prompt}, config).get(0);
      int[] shorterAlone = TokenGenerator.generate(model, new int[][] {shorter}, config).get(0);
      found.put("alone", unequal(alone, expected));
      boolean lengthMatters = // the length of the longest row does
          model.spec().rotaryEmbeddings().stream().anyMatch(r -> r.scaling().dependsOnLength());
      double shorterDiffers = lengthMatters ? 0 : unequal(pair.get(0), shorterAlone);
      found.put("in a batch", unequal(pair.get(1), expected) + shorterDiffers);
      found.put("without a cache", unequal(withoutCache(model, prompt, expected.length), expected));
    }
    return found;
  }

  private static int[] withoutCache(CausalLM model, int[] prompt, int count) {
    int[] ids = Arrays.copyOf(prompt, prompt.length + count);
    int vocab = model.spec().vocabSize();
    for (int n = prompt.length; n < ids.length; n++) {
      int[] seen = Arrays.copyOf(ids, n);
      int[] mask = new int[n];
      Arrays.fill(mask, 1);
      try (TensorScope scope = TensorScope.open()) {
        float[] scores = model.logits(seen, mask, 1).toFloatArray();
        int best = (n - 1) * vocab;
        for (int i = best; i < scores.length; i++) {
          best = scores[i] > scores[best] ? i : best;
        }
        ids[n] = best - (n - 1) * vocab;
      }
    }
    return Arrays.copyOfRange(ids, prompt.length, ids.length);
  }

  private static double unequal(int[] actual, int[] expected) {
    int count = Math.abs(actual.length - expected.length);
    for (int i = 0; i < Math.min(actual.length, expected.length); i++) {
      count += actual[i] == expected[i] ? 0 : 1;
    }
    return count;
  }

  /** Scores of labels. */
  static double seqcls(FamilyCase parity) {
    try (SequenceClassifier model =
            AutoModelForSequenceClassification.fromPretrained(
                parity.at("seqcls"), LoadOptions.defaults());
        TensorScope scope = TensorScope.open()) {
      return difference(
          model.logits(parity.batch()).toFloatArray(), parity.expected("seqcls.logits"));
    }
  }

  // ---- adapters

  /** An adapter beside its base, in it, and out of it again. */
  static Map<String, Double> adapter(FamilyCase parity, String kind) {
    Map<String, Double> found = new LinkedHashMap<>();
    Batch batch = parity.batch();
    float[] expected = parity.expected("adapters." + kind + ".logits");
    float[] merged = expected;
    try (SafeTensors file = parity.expected()) {
      if (file.names().contains("adapters." + kind + ".merged")) {
        merged = parity.expected("adapters." + kind + ".merged");
      }
    }
    try (CausalLM base = load(parity);
        PeftModel<CausalLM> peft = PeftModel.fromPretrained(base, parity.at("adapters/" + kind))) {
      float[] plain = last(base, batch);
      found.put("beside", difference(last(peft.model(), batch), expected));
      if (!parity.description().get("left_out").has(kind + ", merged")) {
        peft.mergeAdapter(true);
        found.put("merged", difference(last(peft.model(), batch), merged));
        peft.unmergeAdapter();
        found.put("unmerged", difference(last(peft.model(), batch), expected));
        try (CausalLM alone = peft.mergeAndUnload()) {
          found.put("merged and unloaded", difference(last(alone, batch), merged));
        }
      }
      try (var off = peft.disableAdapter()) {
        found.put("disabled", difference(last(peft.model(), batch), plain));
      }
    }
    return found;
  }

  /** Merges an adapter and writes the model: for transformers to read. */
  static float[] writeMerged(FamilyCase parity, String kind, Path folder) {
    try (CausalLM base = load(parity);
        PeftModel<CausalLM> peft = PeftModel.fromPretrained(base, parity.at("adapters/" + kind));
        CausalLM merged = peft.mergeAndUnload()) {
      merged.savePretrained(folder);
      return last(merged, parity.batch());
    }
  }

  // ---- training

  /** Loss and gradients of one batch on every way through a training step, against the plain. */
  static Map<String, Double> gradients(FamilyCase parity, String kind) {
    Map<String, Double> found = new LinkedHashMap<>();
    Batch batch = parity.trainingBatches().get(0);
    List<TokenizedExample> rows = FamilyCase.rows(batch);
    List<TokenizedExample> packed = new ArrayList<>();
    Packing.of(2 * batch.length()).apply(Dataset.of(rows)).forEach(packed::add);
    Batch inOneRow = PaddingCollator.of(0).collate(packed);
    if (inOneRow.size() != 1) {
      throw new AssertionError("expected one packed row, found " + inOneRow.size());
    }
    try (CausalLM base = load(parity);
        PeftModel<CausalLM> peft =
            PeftModel.fromPretrained(base, parity.at("adapters/" + kind), true)) {
      Step plain = step(peft, batch, context -> context.plain(true));
      found.put("fused", step(peft, batch, context -> context).from(plain));
      found.put("checkpointing", step(peft, batch, c -> c.gradientCheckpointing(true)).from(plain));
      found.put(
          "plain checkpointing",
          step(peft, batch, c -> c.plain(true).gradientCheckpointing(true)).from(plain));
      Batch left = turnedAround(batch);
      found.put(
          "padded left",
          step(peft, left, context -> context).from(step(peft, left, c -> c.plain(true))));
      found.put("packed", step(peft, inOneRow, context -> context).from(plain));
      found.put("plain packed", step(peft, inOneRow, c -> c.plain(true)).from(plain));
    }
    return found;
  }

  private record Step(double loss, Map<String, float[]> gradients) {

    double from(Step expected) {
      double largest = Math.abs(loss - expected.loss) / Math.abs(expected.loss);
      for (Map.Entry<String, float[]> gradient : expected.gradients.entrySet()) {
        float[] mine = gradients.get(gradient.getKey());
        largest = Math.max(largest, difference(mine, gradient.getValue()));
      }
      return largest;
    }
  }

  private static Step step(
      PeftModel<CausalLM> peft, Batch batch, UnaryOperator<ForwardContext> how) {
    try (TensorScope scope = TensorScope.open();
        Generator dropout = Generator.of(1)) {
      ForwardContext context = how.apply(ForwardContext.training(dropout));
      double loss = peft.lossAndBackward(batch, 1.0 / batch.supervisedTokens(), context);
      Map<String, float[]> gradients = new LinkedHashMap<>();
      peft.trainableParameters()
          .forEach(
              (name, parameter) -> {
                gradients.put(name, parameter.grad().orElseThrow().toFloatArray());
                parameter.clearGrad();
              });
      return new Step(loss, gradients);
    }
  }

  // ---- comparing

  /** Every row from its end to its beginning, so that padding stands in front. */
  private static Batch turnedAround(Batch right) {
    int length = right.length();
    int[] ids = right.inputIds().clone();
    int[] mask = right.attentionMask().clone();
    int[] labels = right.labels().clone();
    for (int i = 0; i < ids.length; i++) {
      int from = i / length * length + length - 1 - i % length;
      ids[i] = right.inputIds()[from];
      mask[i] = right.attentionMask()[from];
      labels[i] = right.labels()[from];
    }
    return new Batch(right.size(), length, ids, mask, labels);
  }

  private static float[] real(CausalLM model, Batch batch) {
    try (TensorScope scope = TensorScope.open()) {
      return at(batch, model.logits(batch).toFloatArray());
    }
  }

  /** Of numbers for each token those that stand at no padding. */
  private static float[] at(Batch batch, float[] numbers) {
    int each = numbers.length / batch.inputIds().length;
    float[] real = new float[batch.tokens() * each];
    int count = 0;
    for (int token = 0; token < batch.inputIds().length; token++) {
      if (batch.attentionMask()[token] == 1) {
        System.arraycopy(numbers, token * each, real, each * count++, each);
      }
    }
    return real;
  }

  /** The scores of each row's last token. */
  static float[] last(CausalLM model, Batch batch) {
    float[] scores = real(model, batch);
    int each = scores.length / batch.tokens();
    float[] last = new float[batch.size() * each];
    int end = 0;
    for (int row = 0; row < batch.size(); row++) {
      int from = row * batch.length();
      end += Arrays.stream(batch.attentionMask(), from, from + batch.length()).sum();
      System.arraycopy(scores, (end - 1) * each, last, row * each, each);
    }
    return last;
  }

  private static double difference(float[] actual, float[] expected) {
    return Fixtures.relativeDifference(actual, expected);
  }
}
