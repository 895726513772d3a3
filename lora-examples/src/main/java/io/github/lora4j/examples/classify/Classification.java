package io.github.lora4j.examples.classify;

import io.github.lora4j.data.Dataset;
import io.github.lora4j.data.LabelMap;
import io.github.lora4j.data.PaddingCollator;
import io.github.lora4j.data.TokenizedExample;
import io.github.lora4j.dataset.Row;
import io.github.lora4j.model.AutoModelForSequenceClassification;
import io.github.lora4j.model.LoadOptions;
import io.github.lora4j.model.SequenceClassifier;
import io.github.lora4j.peft.LoraConfig;
import io.github.lora4j.peft.PeftModel;
import io.github.lora4j.text.ClassificationEncoder;
import io.github.lora4j.text.PretrainedTokenizer;
import io.github.lora4j.text.PromptTemplate;
import io.github.lora4j.train.ClassificationMetrics;
import io.github.lora4j.train.Trainer;
import io.github.lora4j.train.TrainingArguments;
import io.github.lora4j.train.TrainingResult;
import java.nio.file.Path;
import java.util.Map;
import java.util.function.Consumer;

/**
 * Texts of one class each, start to end: put a fresh head on a language model, train it together
 * with an adapter, measure, save, load into a fresh model and measure again.
 *
 * @param model the language model's folder
 * @param train rows to train on; their classes are those that are known
 * @param test rows to measure on
 * @param template makes a text of a row
 * @param labelColumn the column with the name of the class
 * @param maxLength the most tokens of a text
 * @param lora the adapter; its task is {@code SEQ_CLS}, which trains the head too
 * @param args how to train; {@code outputDir} gets the folder {@code adapter}
 */
public record Classification(
    Path model,
    Dataset<Row> train,
    Dataset<Row> test,
    PromptTemplate template,
    String labelColumn,
    int maxLength,
    LoraConfig lora,
    TrainingArguments args) {

  /**
   * Runs it.
   *
   * @param say gets what happens, line by line
   */
  public ClassificationReport run(Consumer<String> say) {
    LabelMap labels = LabelMap.from(train, row -> row.get(labelColumn).strip());
    Path adapter = args.outputDir().resolve("adapter");
    try (PretrainedTokenizer tokenizer = PretrainedTokenizer.load(model)) {
      ClassificationEncoder encoder =
          ClassificationEncoder.of(tokenizer, template, labelColumn, labels).maxLength(maxLength);
      Dataset<TokenizedExample> heldOut = test.map(encoder);
      try (SequenceClassifier base = load(labels, tokenizer);
          PeftModel<SequenceClassifier> peft = PeftModel.wrap(base, lora, args.seed())) {
        say.accept("Classes: " + String.join(", ", labels.names()));
        say.accept(peft.trainableParametersSummary());
        ClassificationMetrics measures = measures(peft);
        Map<String, Double> before = measures.compute(heldOut);
        say.accept("Before:  " + before);
        TrainingResult training =
            Trainer.builder(peft, args)
                .trainDataset(train.map(encoder))
                .evalDataset(heldOut)
                .dataCollator(PaddingCollator.of(tokenizer))
                .computeMetrics(measures)
                .build()
                .train();
        Map<String, Double> after = measures.compute(heldOut);
        say.accept("After:   " + after);
        peft.savePretrained(adapter);
        Map<String, Double> reloaded = measureReloaded(adapter, labels, tokenizer, heldOut);
        say.accept("Loaded from " + adapter + ": " + reloaded);
        return new ClassificationReport(labels, adapter, before, after, reloaded, training);
      }
    }
  }

  /** Many language models have no padding token of their own: the tokenizer says what to take. */
  private SequenceClassifier load(LabelMap labels, PretrainedTokenizer tokenizer) {
    LoadOptions.Builder options = LoadOptions.builder();
    tokenizer.padTokenId().ifPresent(options::padTokenId);
    return AutoModelForSequenceClassification.fromPretrained(model, labels, options.build());
  }

  private ClassificationMetrics measures(PeftModel<SequenceClassifier> peft) {
    return ClassificationMetrics.of(peft.model()).batchSize(args.perDeviceEvalBatchSize());
  }

  private Map<String, Double> measureReloaded(
      Path adapter,
      LabelMap labels,
      PretrainedTokenizer tokenizer,
      Dataset<TokenizedExample> heldOut) {
    try (SequenceClassifier fresh = load(labels, tokenizer);
        PeftModel<SequenceClassifier> peft = PeftModel.fromPretrained(fresh, adapter)) {
      return measures(peft).compute(heldOut);
    }
  }
}
