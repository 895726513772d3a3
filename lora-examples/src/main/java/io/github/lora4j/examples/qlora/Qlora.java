package io.github.lora4j.examples.qlora;

import io.github.lora4j.data.Dataset;
import io.github.lora4j.data.PaddingCollator;
import io.github.lora4j.data.TokenizedExample;
import io.github.lora4j.dataset.Row;
import io.github.lora4j.model.AutoModelForCausalLM;
import io.github.lora4j.model.CausalLM;
import io.github.lora4j.model.LoadOptions;
import io.github.lora4j.nn.QuantizedLinear;
import io.github.lora4j.peft.LoraConfig;
import io.github.lora4j.peft.PeftModel;
import io.github.lora4j.quant.BitsAndBytesConfig;
import io.github.lora4j.text.PretrainedTokenizer;
import io.github.lora4j.text.PromptTemplate;
import io.github.lora4j.text.SftEncoder;
import io.github.lora4j.train.EvaluationResult;
import io.github.lora4j.train.Trainer;
import io.github.lora4j.train.TrainingArguments;
import io.github.lora4j.train.TrainingResult;
import java.nio.file.Path;
import java.util.Locale;
import java.util.function.Consumer;

/**
 * QLoRA, start to end: quantize a model while it is loaded, train an adapter on it, save that, load
 * it onto a base quantized once more, and merge it into the base that isn't quantized.
 *
 * @param model the unquantized model's folder
 * @param train rows to train on
 * @param test rows to measure on
 * @param template makes a prompt of a row
 * @param completion the column with the answer
 * @param maxLength the most tokens of a row
 * @param quantization how the base is quantized, such as {@link BitsAndBytesConfig#nf4()}
 * @param lora the adapter
 * @param args how to train; {@code outputDir} gets the folders {@code adapter} and {@code merged}
 */
public record Qlora(
    Path model,
    Dataset<Row> train,
    Dataset<Row> test,
    PromptTemplate template,
    String completion,
    int maxLength,
    BitsAndBytesConfig quantization,
    LoraConfig lora,
    TrainingArguments args) {

  /**
   * Runs it.
   *
   * @param say gets what happens, line by line
   */
  public QloraReport run(Consumer<String> say) {
    Path adapter = args.outputDir().resolve("adapter");
    Path merged = args.outputDir().resolve("merged");
    try (PretrainedTokenizer tokenizer = PretrainedTokenizer.load(model)) {
      SftEncoder encoder = SftEncoder.of(tokenizer, template, completion).maxLength(maxLength);
      Dataset<TokenizedExample> learnt = train.map(encoder);
      Dataset<TokenizedExample> heldOut = test.map(encoder);
      try (CausalLM base = quantized();
          PeftModel<CausalLM> peft = PeftModel.wrap(base, lora, args.seed())) {
        int layers =
            (int) base.linearLayers().stream().filter(QuantizedLinear.class::isInstance).count();
        say.accept("Base:    " + layers + " layers in " + quantization);
        say.accept(peft.trainableParametersSummary());
        Trainer trainer =
            Trainer.builder(peft, args)
                .trainDataset(learnt)
                .evalDataset(heldOut)
                .dataCollator(PaddingCollator.of(tokenizer))
                .build();
        EvaluationResult before = said(say, "Before:  ", trainer.evaluate());
        TrainingResult training = trainer.train();
        EvaluationResult after = said(say, "After:   ", trainer.evaluate());
        peft.savePretrained(adapter);
        EvaluationResult reloaded =
            said(say, "Loaded:  ", reloaded(adapter, tokenizer, learnt, heldOut));
        EvaluationResult ofMerged =
            said(say, "Merged:  ", merge(adapter, merged, tokenizer, learnt, heldOut));
        return new QloraReport(
            adapter, merged, layers, before, after, reloaded, ofMerged, training);
      }
    }
  }

  private CausalLM quantized() {
    return AutoModelForCausalLM.fromPretrained(
        model, LoadOptions.builder().quantization(quantization).build());
  }

  /** Quantizing gives the same codes every time, so an adapter fits whenever it is loaded. */
  private EvaluationResult reloaded(
      Path adapter,
      PretrainedTokenizer tokenizer,
      Dataset<TokenizedExample> learnt,
      Dataset<TokenizedExample> heldOut) {
    try (CausalLM fresh = quantized();
        PeftModel<CausalLM> peft = PeftModel.fromPretrained(fresh, adapter)) {
      return measure(peft, tokenizer, learnt, heldOut);
    }
  }

  /** Merging into the dense weights loses nothing that the adapter learnt to a second rounding. */
  private EvaluationResult merge(
      Path adapter,
      Path merged,
      PretrainedTokenizer tokenizer,
      Dataset<TokenizedExample> learnt,
      Dataset<TokenizedExample> heldOut) {
    try (CausalLM dense = AutoModelForCausalLM.fromPretrained(model);
        PeftModel<CausalLM> peft = PeftModel.fromPretrained(dense, adapter);
        CausalLM whole = peft.mergeAndUnload()) {
      whole.savePretrained(merged);
      return measure(peft, tokenizer, learnt, heldOut);
    }
  }

  private EvaluationResult measure(
      PeftModel<CausalLM> peft,
      PretrainedTokenizer tokenizer,
      Dataset<TokenizedExample> learnt,
      Dataset<TokenizedExample> heldOut) {
    return Trainer.builder(peft, args)
        .trainDataset(learnt)
        .evalDataset(heldOut)
        .dataCollator(PaddingCollator.of(tokenizer))
        .build()
        .evaluate();
  }

  private static EvaluationResult said(Consumer<String> say, String when, EvaluationResult result) {
    say.accept(
        String.format(
            Locale.ROOT, "%sloss %.4f on %d rows", when, result.loss(), result.examples()));
    return result;
  }
}
