package io.github.lora4j.examples.quickstart;

import io.github.lora4j.data.Dataset;
import io.github.lora4j.data.PaddingCollator;
import io.github.lora4j.data.TokenizedExample;
import io.github.lora4j.dataset.Row;
import io.github.lora4j.error.DatasetException;
import io.github.lora4j.error.LoraException;
import io.github.lora4j.model.AutoModelForCausalLM;
import io.github.lora4j.model.CausalLM;
import io.github.lora4j.model.LoadOptions;
import io.github.lora4j.peft.LoraConfig;
import io.github.lora4j.peft.PeftModel;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.text.PretrainedTokenizer;
import io.github.lora4j.text.PromptTemplate;
import io.github.lora4j.text.SftEncoder;
import io.github.lora4j.train.Trainer;
import io.github.lora4j.train.TrainingArguments;
import io.github.lora4j.train.TrainingResult;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/**
 * The first fine-tune, start to end: measure the base, train an adapter, measure again, save it,
 * load it into a fresh base, and see that it answers the same.
 *
 * @param model the base model's folder
 * @param train rows to train on
 * @param test rows to measure on, none of which is also trained on
 * @param template makes a prompt of a row
 * @param completion the column with the answer
 * @param maxLength the most tokens of a row; fewer where the model has no room for them
 * @param lora the adapter
 * @param args how to train; {@code outputDir} gets the folder {@code adapter} and {@code loss.png}
 * @param loading how to load the model
 */
public record Quickstart(
    Path model,
    Dataset<Row> train,
    Dataset<Row> test,
    PromptTemplate template,
    String completion,
    int maxLength,
    LoraConfig lora,
    TrainingArguments args,
    LoadOptions loading) {

  private static final int ANSWERS_TO_SHOW = 8;

  /** Checks that nothing is measured on what it was trained on. */
  public Quickstart {
    if (test.isEmpty() || train.isEmpty()) {
      throw new DatasetException("The quickstart needs rows to train on and rows to measure on.");
    }
    Set<Map<String, String>> trained = new HashSet<>();
    train.forEach(row -> trained.add(row.toMap()));
    for (Row row : test) {
      if (trained.contains(row.toMap())) {
        throw new DatasetException(
            row.source() + ", line " + row.line() + ": the row is also one to train on; drop it");
      }
    }
  }

  /**
   * Runs it.
   *
   * @param say gets what happens, line by line
   * @throws LoraException if the base model changed or the reloaded adapter answers differently
   */
  public QuickstartReport run(Consumer<String> say) {
    Path adapter = args.outputDir().resolve("adapter");
    Path chart = args.outputDir().resolve("loss.png");
    say.accept("Base model: " + model);
    say.accept("Training:   " + train);
    say.accept("Held out:   " + test);
    try (PretrainedTokenizer tokenizer = PretrainedTokenizer.load(model);
        CausalLM base = AutoModelForCausalLM.fromPretrained(model, loading);
        PeftModel<CausalLM> peft = PeftModel.wrap(base, lora, args.seed())) {
      SftEncoder encoder =
          SftEncoder.of(tokenizer, template, completion)
              .maxLength(Math.min(maxLength, base.maxPositionEmbeddings()));
      requireTrainable(base.dtype());
      Dataset<TokenizedExample> learnt = train.map(encoder);
      Questions questions =
          new Questions(test.map(encoder), completions(encoder), ends(base, tokenizer));
      String fingerprint = Fingerprint.of(base);

      Answers before = answers(base, tokenizer, questions);
      say.accept("Before: the base answers " + percent(before) + " of the held-out rows exactly.");
      say.accept(peft.trainableParametersSummary());
      TrainingResult training =
          Trainer.builder(peft, args)
              .trainDataset(learnt)
              .evalDataset(questions.examples())
              .dataCollator(PaddingCollator.of(tokenizer))
              .eosTokenIds(questions.eosTokenIds())
              .build()
              .train();
      Answers after = answers(peft.model(), tokenizer, questions);
      say.accept("After:  with the adapter it answers " + percent(after) + " exactly.");
      show(before, after, say);

      peft.savePretrained(adapter);
      LossChart.save(training.logHistory(), chart);
      say.accept("Saved the adapter to " + adapter + " and the loss chart to " + chart);

      requireUnchanged(base, fingerprint);
      say.accept("The base model is unchanged, bit for bit: the gain is the adapter's alone.");
      Answers reloaded = answersOfReloaded(adapter, tokenizer, questions);
      requireSame(after, reloaded);
      say.accept("Reloaded into a fresh base, the adapter gives the same answers to all rows.");
      return new QuickstartReport(adapter, chart, before, after, reloaded, training);
    }
  }

  /** What is measured: held-out rows, their completions, and what may end an answer. */
  private record Questions(
      Dataset<TokenizedExample> examples, List<String> expected, int[] eosTokenIds) {}

  private static void requireTrainable(DType dtype) {
    if (dtype == DType.F16) {
      throw new LoraException(
          "training in float16 needs loss scaling, which is not built yet: load the model in bf16"
              + " or f32 (--dtype)");
    }
  }

  private List<String> completions(SftEncoder encoder) {
    return test.stream().map(encoder::completion).toList();
  }

  /** What the model's folder names as end of a text, and what the tokenizer does. */
  private static int[] ends(CausalLM base, PretrainedTokenizer tokenizer) {
    return IntStream.concat(
            base.eosTokenIds().stream().mapToInt(Integer::intValue),
            tokenizer.eosTokenId().stream())
        .distinct()
        .toArray();
  }

  private Answers answers(CausalLM asked, PretrainedTokenizer tokenizer, Questions questions) {
    return Answers.of(
        asked,
        tokenizer,
        questions.examples(),
        questions.expected(),
        questions.eosTokenIds(),
        Answers.enoughTokens(questions.examples()),
        args.perDeviceEvalBatchSize());
  }

  private Answers answersOfReloaded(
      Path adapter, PretrainedTokenizer tokenizer, Questions questions) {
    try (CausalLM fresh = AutoModelForCausalLM.fromPretrained(model, loading);
        PeftModel<CausalLM> peft = PeftModel.fromPretrained(fresh, adapter)) {
      return answers(peft.model(), tokenizer, questions);
    }
  }

  private void show(Answers before, Answers after, Consumer<String> say) {
    for (int i = 0; i < Math.min(ANSWERS_TO_SHOW, test.size()); i++) {
      StringBuilder line = new StringBuilder("  ");
      for (String column : template.columns()) {
        line.append(test.get(i).get(column)).append(" | ");
      }
      line.append("expected ").append(quoted(after.expected().get(i)));
      line.append(", before ").append(quoted(before.given().get(i)));
      line.append(", after ").append(quoted(after.given().get(i)));
      say.accept(line.toString());
    }
  }

  private static String quoted(String answer) {
    return '"' + answer.strip().replace("\n", "\\n") + '"';
  }

  private static String percent(Answers answers) {
    return String.format(Locale.ROOT, "%.1f%%", 100 * answers.exactMatch());
  }

  private static void requireUnchanged(CausalLM base, String fingerprint) {
    if (!Fingerprint.of(base).equals(fingerprint)) {
      throw new LoraException("Training changed the base model's parameters: this is a bug.");
    }
  }

  private static void requireSame(Answers trained, Answers reloaded) {
    for (int i = 0; i < trained.given().size(); i++) {
      if (!trained.given().get(i).equals(reloaded.given().get(i))) {
        throw new LoraException(
            "Held-out row "
                + (i + 1)
                + ": the trained adapter answers "
                + quoted(trained.given().get(i))
                + " but the reloaded one "
                + quoted(reloaded.given().get(i))
                + ": this is a bug.");
      }
    }
  }
}
