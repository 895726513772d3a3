package io.github.lora4j.examples.cli;

import io.github.lora4j.data.Dataset;
import io.github.lora4j.data.Packing;
import io.github.lora4j.data.PaddingCollator;
import io.github.lora4j.data.TokenizedExample;
import io.github.lora4j.dataset.Row;
import io.github.lora4j.error.LoraException;
import io.github.lora4j.model.AutoModelForCausalLM;
import io.github.lora4j.model.CausalLM;
import io.github.lora4j.peft.LoraConfig;
import io.github.lora4j.peft.PeftModel;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.text.PretrainedTokenizer;
import io.github.lora4j.text.PromptTemplate;
import io.github.lora4j.text.SftEncoder;
import io.github.lora4j.train.EvaluationResult;
import io.github.lora4j.train.Trainer;
import io.github.lora4j.train.TrainingArguments;
import io.github.lora4j.train.TrainingResult;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Trains an adapter. */
@Command(
    name = "train",
    description =
        "Trains a LoRA adapter on rows of a file. Only the completion and the end of sequence"
            + " behind it carry loss.",
    footer = {
      "",
      "The adapter goes to OUTPUT itself: PeftModel.from_pretrained(base, OUTPUT) loads it in"
          + " Python.",
      "",
      "--json fields: output, base_model, dtype, train_rows, eval_rows, truncated_rows, parameters,"
          + " trainable_parameters, global_step, train_loss, eval_loss (with held-out rows),"
          + " packed_rows (with --packing), and the metrics train_runtime,"
          + " train_samples_per_second, train_steps_per_second, train_tokens_per_second,"
          + " total_flos, epoch."
    })
public final class TrainCommand implements Callable<Integer> {

  @Mixin private ModelOptions model;

  @Mixin private DataOptions data;

  @Option(
      names = "--output",
      required = true,
      paramLabel = "DIR",
      description = "Folder for the adapter; made where it is missing, files in it replaced.")
  private Path output;

  @Option(
      names = "--packing",
      description =
          "Put rows to train on behind one another, into packed rows of up to --max-length tokens,"
              + " so that little is computed for padding. They don't see each other. --batch-size"
              + " then counts packed rows.")
  private boolean packing;

  @ArgGroup(heading = "Held-out rows (evaluated at the end):%n")
  private HeldOut heldOut = new HeldOut();

  @ArgGroup(validate = false, heading = "Adapter:%n")
  private LoraOptions lora = new LoraOptions();

  @ArgGroup(validate = false, heading = "Training:%n")
  private TrainingOptions training = new TrainingOptions();

  @Mixin private CommonOptions common;

  /** For picocli, which makes the instance. */
  public TrainCommand() {}

  static final class HeldOut {
    @Option(
        names = "--eval-split",
        paramLabel = "X",
        description = "Part of the rows to hold out, between 0 and 1.")
    private Optional<Double> split = Optional.empty();

    @Option(names = "--eval-data", paramLabel = "FILE", description = "A file with held-out rows.")
    private Optional<Path> data = Optional.empty();
  }

  private record Rows(Dataset<Row> train, Optional<Dataset<Row>> eval) {}

  private record Examples(
      Dataset<TokenizedExample> train,
      Optional<Dataset<TokenizedExample>> packed,
      Optional<Dataset<TokenizedExample>> eval,
      int truncatedRows) {}

  @Override
  public Integer call() {
    // What can be wrong without a model comes first: loading one can take minutes.
    LoraConfig config = lora.config();
    training.arguments(output, false, false);
    PromptTemplate template = data.template();
    Rows rows = rows();
    Folders.prepareOutput(output, model.dir());
    try (PretrainedTokenizer tokenizer = PretrainedTokenizer.load(model.dir());
        CausalLM base = AutoModelForCausalLM.fromPretrained(model.dir(), model.loadOptions());
        PeftModel<CausalLM> peft = PeftModel.wrap(base, config, training.seed())) {
      requireTrainable(base.dtype());
      Examples examples = encode(tokenizer, template, rows, base);
      peft.printTrainableParameters();
      TrainingArguments args =
          training.arguments(output, base.dtype() == DType.BF16, !common.json());
      Trainer.Builder builder =
          Trainer.builder(peft, args)
              .trainDataset(examples.packed().orElse(examples.train()))
              .dataCollator(PaddingCollator.of(tokenizer))
              .eosTokenIds(EndOfSequence.tokenIds(model.dir(), tokenizer));
      examples.eval().ifPresent(builder::evalDataset);
      Trainer trainer = builder.build();
      TrainingResult result = trainer.train();
      peft.savePretrained(output);
      Optional<EvaluationResult> evaluation = examples.eval().map(held -> trainer.evaluate());
      report(base, peft, examples, result, evaluation);
    }
    return 0;
  }

  private Rows rows() {
    Dataset<Row> all = data.rows();
    if (heldOut.split.isPresent()) {
      double fraction = heldOut.split.get();
      if (!(fraction > 0 && fraction < 1)) {
        throw new IllegalArgumentException(
            "--eval-split: expected a number between 0 and 1, found " + fraction);
      }
      Dataset.Split<Row> split = all.split(1 - fraction, training.seed());
      return new Rows(split.train(), Optional.of(split.validation()));
    }
    return new Rows(all, heldOut.data.map(DataOptions::read));
  }

  private static void requireTrainable(DType dtype) {
    if (dtype == DType.F16) {
      throw new LoraException(
          "training in float16 needs loss scaling, which is not built yet: add --dtype bf16 (as"
              + " small, and safe) or --dtype f32");
    }
  }

  private Examples encode(
      PretrainedTokenizer tokenizer, PromptTemplate template, Rows rows, CausalLM base) {
    int maxPositions = base.maxPositionEmbeddings();
    SftEncoder encoder = data.encoder(tokenizer, template, maxPositions);
    Dataset<TokenizedExample> train = rows.train().map(encoder);
    Optional<Dataset<TokenizedExample>> packed =
        packing
            ? Optional.of(train.transform(Packing.of(data.maxLength(maxPositions))))
            : Optional.empty();
    Optional<Dataset<TokenizedExample>> eval = rows.eval().map(held -> held.map(encoder));
    return new Examples(train, packed, eval, encoder.truncatedRows());
  }

  private void report(
      CausalLM base,
      PeftModel<CausalLM> peft,
      Examples examples,
      TrainingResult result,
      Optional<EvaluationResult> evaluation) {
    long trainable = peft.trainableParameters().values().stream().mapToLong(Tensor::numel).sum();
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("output", output.toString());
    fields.put("base_model", model.nameOrPath());
    fields.put("dtype", base.dtype().torchName());
    fields.put("train_rows", examples.train().size());
    examples.packed().ifPresent(packed -> fields.put("packed_rows", packed.size()));
    fields.put("eval_rows", examples.eval().map(Dataset::size).orElse(0));
    fields.put("truncated_rows", examples.truncatedRows());
    fields.put("parameters", peft.parameterCount());
    fields.put("trainable_parameters", trainable);
    fields.put("global_step", result.globalStep());
    fields.putAll(result.metrics());
    fields.put("train_loss", result.trainingLoss());
    evaluation.ifPresent(eval -> fields.put("eval_loss", eval.loss()));
    List<String> lines = new ArrayList<>();
    lines.add(
        String.format(
            Locale.ROOT,
            "%,d updates on %,d rows%s in %.1f s, mean training loss %.4f",
            result.globalStep(),
            examples.train().size(),
            packed(examples),
            result.metrics().getOrDefault("train_runtime", 0.0),
            result.trainingLoss()));
    evaluation.ifPresent(
        eval ->
            lines.add(
                String.format(
                    Locale.ROOT, "loss on %,d held-out rows: %.4f", eval.examples(), eval.loss())));
    lines.add("adapter saved to " + output);
    common.print(fields, lines);
  }

  private static String packed(Examples examples) {
    return examples
        .packed()
        .map(packed -> String.format(Locale.ROOT, ", packed into %,d,", packed.size()))
        .orElse("");
  }
}
