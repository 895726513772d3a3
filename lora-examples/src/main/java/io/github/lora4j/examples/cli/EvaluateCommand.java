package io.github.lora4j.examples.cli;

import io.github.lora4j.data.Dataset;
import io.github.lora4j.data.PaddingCollator;
import io.github.lora4j.data.TokenizedExample;
import io.github.lora4j.dataset.Row;
import io.github.lora4j.examples.quickstart.Answers;
import io.github.lora4j.text.PretrainedTokenizer;
import io.github.lora4j.text.PromptTemplate;
import io.github.lora4j.text.SftEncoder;
import io.github.lora4j.train.EvaluationResult;
import io.github.lora4j.train.Trainer;
import io.github.lora4j.train.TrainingArguments;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Measures a model on rows. */
@Command(
    name = "evaluate",
    description =
        "Measures the loss per token of the completions (end of sequence included), and how many"
            + " completions the model gives word for word when it continues the prompts greedily.",
    footer = {
      "",
      "--json fields: rows, truncated_rows, eval_loss, perplexity, supervised_tokens,"
          + " exact_matches (rows), exact_match (the fraction), eval_runtime (seconds, the loss's),"
          + " generation_runtime (seconds)."
    })
public final class EvaluateCommand implements Callable<Integer> {

  @Mixin private ModelOptions model;

  @Mixin private AdapterOption adapter;

  @Mixin private DataOptions data;

  @Option(names = "--limit", paramLabel = "N", description = "Only the first N rows.")
  private Optional<Integer> limit = Optional.empty();

  @Option(
      names = "--batch-size",
      paramLabel = "N",
      description = "Rows computed together. Default: ${DEFAULT-VALUE}.")
  private int batchSize = 8;

  @Option(
      names = "--max-new-tokens",
      paramLabel = "N",
      description = "Longest answer. Default: a little more than the longest completion.")
  private Optional<Integer> maxNewTokens = Optional.empty();

  @Mixin private CommonOptions common;

  /** For picocli, which makes the instance. */
  public EvaluateCommand() {}

  @Override
  public Integer call() {
    TrainingArguments args = TrainingArguments.builder().perDeviceEvalBatchSize(batchSize).build();
    PromptTemplate template = data.template();
    Dataset<Row> rows = firstOf(data.rows());
    try (PretrainedTokenizer tokenizer = PretrainedTokenizer.load(model.dir());
        LoadedModel loaded = LoadedModel.open(model, adapter.dir())) {
      int positions = loaded.model().maxPositionEmbeddings();
      SftEncoder encoder = data.encoder(tokenizer, template, positions);
      Dataset<TokenizedExample> examples = rows.map(encoder);
      EvaluationResult result =
          Trainer.builder(loaded.model(), args)
              .evalDataset(examples)
              .dataCollator(PaddingCollator.of(tokenizer))
              .build()
              .evaluate();
      long start = System.nanoTime();
      int[] eos = EndOfSequence.tokenIds(model.dir(), tokenizer);
      int longest = maxNewTokens.orElse(Answers.enoughTokens(examples));
      List<String> expected = rows.stream().map(encoder::completion).toList();
      int matches =
          Answers.of(loaded.model(), tokenizer, examples, expected, eos, longest, batchSize)
              .exactMatches();
      double seconds = (System.nanoTime() - start) / 1e9;
      report(rows.size(), encoder.truncatedRows(), result, matches, seconds);
    }
    return 0;
  }

  private Dataset<Row> firstOf(Dataset<Row> rows) {
    int wanted = limit.orElse(rows.size());
    if (wanted < 1) {
      throw new IllegalArgumentException(
          limit.isPresent()
              ? "--limit: expected at least 1, found " + wanted
              : rows.source() + " has no rows below its header, nothing to evaluate");
    }
    return Dataset.of(
        rows.rows().subList(0, Math.min(wanted, rows.size())), rows.source(), rows.columns());
  }

  private void report(
      int rows, int truncated, EvaluationResult result, int matches, double generationSeconds) {
    double fraction = (double) matches / rows;
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("rows", rows);
    fields.put("truncated_rows", truncated);
    fields.put("eval_loss", result.loss());
    fields.put("perplexity", result.perplexity());
    fields.put("supervised_tokens", result.supervisedTokens());
    fields.put("exact_matches", matches);
    fields.put("exact_match", fraction);
    fields.put("eval_runtime", result.metrics().getOrDefault("eval_runtime", 0.0));
    fields.put("generation_runtime", generationSeconds);
    common.print(
        fields,
        List.of(
            String.format(Locale.ROOT, "rows         %,d", rows),
            String.format(
                Locale.ROOT,
                "loss         %.4f per token over %,d tokens (perplexity %.4g)",
                result.loss(),
                result.supervisedTokens(),
                result.perplexity()),
            String.format(
                Locale.ROOT, "exact match  %,d of %,d (%.1f %%)", matches, rows, 100 * fraction)));
  }
}
