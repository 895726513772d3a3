package io.github.lora4j.examples.cli;

import io.github.lora4j.data.Batch;
import io.github.lora4j.io.SafeTensorsWriter;
import io.github.lora4j.model.AutoModelForSequenceClassification;
import io.github.lora4j.model.SequenceClassifier;
import io.github.lora4j.peft.PeftModel;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Computes logits from file to file, to compare with another implementation. */
@Command(
    name = "logits",
    description =
        "Computes a model's logits for token ids in a file, to compare it with another"
            + " implementation.",
    footer = {
      "",
      "INPUT holds input_ids and, unless every id is a token, attention_mask: I64 [batch, seq], 1"
          + " for tokens and 0 for padding on either side. OUTPUT will hold logits: F32, [batch,"
          + " seq, vocab] for the head causal, [batch, labels] for seqcls.",
      "",
      "--json fields: output, shape, dtype (the model's)."
    })
public final class LogitsCommand implements Callable<Integer> {

  /** What stands on top of the decoder. */
  enum Head {
    /** The next token. */
    CAUSAL,
    /** The class of the sequence. */
    SEQCLS
  }

  @Mixin private ModelOptions model;

  @Mixin private AdapterOption adapter;

  @Option(
      names = "--head",
      paramLabel = "causal|seqcls",
      description = "The model's head: next token, or classes of sequences. Default: causal.")
  private Head head = Head.CAUSAL;

  @Option(
      names = "--input",
      required = true,
      paramLabel = "FILE",
      description = "Safetensors file to read.")
  private Path input;

  @Option(
      names = "--output",
      required = true,
      paramLabel = "FILE",
      description = "Safetensors file to write.")
  private Path output;

  @Mixin private CommonOptions common;

  /** For picocli, which makes the instance. */
  public LogitsCommand() {}

  @Override
  public Integer call() {
    Folders.requireElsewhere(output, input);
    Folders.requireElsewhere(output, model.dir());
    adapter.dir().ifPresent(dir -> Folders.requireElsewhere(output, dir));
    Batch batch = BatchFile.read(input);
    try (TensorScope scope = TensorScope.open()) {
      Tensor logits = head == Head.CAUSAL ? causal(batch) : seqcls(batch);
      DType computedIn = logits.dtype();
      SafeTensorsWriter.write(output, Map.of("logits", logits.to(DType.F32)));
      long[] shape = logits.shape();
      Map<String, Object> fields = new LinkedHashMap<>();
      fields.put("output", output.toString());
      fields.put("shape", shape);
      fields.put("dtype", computedIn.torchName());
      common.print(
          fields,
          List.of(
              "logits "
                  + Arrays.toString(shape)
                  + ", computed in "
                  + computedIn.torchName()
                  + ", written to "
                  + output));
    }
    return 0;
  }

  private Tensor causal(Batch batch) {
    try (LoadedModel loaded = LoadedModel.open(model, adapter.dir())) {
      return loaded.model().logits(batch);
    }
  }

  private Tensor seqcls(Batch batch) {
    try (SequenceClassifier classifier =
        AutoModelForSequenceClassification.fromPretrained(model.dir(), model.loadOptions())) {
      Optional<Path> dir = adapter.dir();
      if (dir.isEmpty()) {
        return classifier.logits(batch);
      }
      try (PeftModel<SequenceClassifier> adapted =
          PeftModel.fromPretrained(classifier, dir.get())) {
        return adapted.model().logits(batch);
      }
    }
  }
}
