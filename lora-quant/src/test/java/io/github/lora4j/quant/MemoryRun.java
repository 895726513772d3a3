package io.github.lora4j.quant;

import io.github.lora4j.data.Dataset;
import io.github.lora4j.data.TokenizedExample;
import io.github.lora4j.model.AutoModelForCausalLM;
import io.github.lora4j.model.CausalLM;
import io.github.lora4j.model.LoadOptions;
import io.github.lora4j.peft.LoraConfig;
import io.github.lora4j.peft.PeftModel;
import io.github.lora4j.peft.TargetModules;
import io.github.lora4j.peft.TaskType;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.train.IntervalStrategy;
import io.github.lora4j.train.Trainer;
import io.github.lora4j.train.TrainingArguments;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.stream.IntStream;

/**
 * A training run in a JVM of its own, which writes the most memory that it held to a file: bytes,
 * after loading and at the end. Linux only.
 */
final class MemoryRun {

  private MemoryRun() {}

  /** Arguments: model folder, dtype, target modules, r, batch, length, checkpointing, result. */
  public static void main(String[] args) throws IOException {
    Path model = Path.of(args[0]);
    LoraConfig lora = lora(args[2], Integer.parseInt(args[3]));
    int batch = Integer.parseInt(args[4]);
    int length = Integer.parseInt(args[5]);
    Path result = Path.of(args[7]);
    TrainingArguments arguments =
        TrainingArguments.builder()
            .outputDir(result.resolveSibling("out"))
            .perDeviceTrainBatchSize(batch)
            .maxSteps(10)
            .gradientCheckpointing(Boolean.parseBoolean(args[6]))
            .saveStrategy(IntervalStrategy.NO)
            .disableTqdm(true)
            .build();
    LoadOptions options =
        LoadOptions.builder().dtype(DType.valueOf(args[1])).device(Device.CPU).build();
    try (CausalLM base = AutoModelForCausalLM.fromPretrained(model, options);
        PeftModel<CausalLM> peft = PeftModel.wrap(base, lora)) {
      long loaded = peak();
      Random random = new Random(1);
      Dataset<TokenizedExample> data =
          Dataset.of(
              IntStream.range(0, 4 * batch)
                  .mapToObj(i -> random.ints(length, 3, base.spec().vocabSize()).toArray())
                  .map(ids -> new TokenizedExample(ids, ids))
                  .toList());
      Trainer.builder(peft, arguments).trainDataset(data).eosTokenIds().build().train();
      Files.writeString(result, loaded + " " + peak());
    }
  }

  /** "qv" or "all". */
  static LoraConfig lora(String targets, int r) {
    return LoraConfig.builder()
        .r(r)
        .taskType(TaskType.CAUSAL_LM)
        .targetModules(
            targets.equals("all")
                ? TargetModules.allLinear()
                : TargetModules.names("q_proj", "v_proj"))
        .build();
  }

  private static long peak() throws IOException {
    return Files.readAllLines(Path.of("/proc/self/status")).stream()
        .filter(line -> line.startsWith("VmHWM:"))
        .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) * 1024)
        .sum();
  }
}
