package io.github.lora4j.benchmarks.compare;

import io.github.lora4j.io.AtomicFile;
import io.github.lora4j.io.CheckpointWriter;
import io.github.lora4j.model.AutoModelForCausalLM;
import io.github.lora4j.model.CausalLM;
import io.github.lora4j.model.ModelConfig;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Generator;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/** Makes a checkpoint of random bfloat16 weights that both sides load. */
public final class CheckpointMaker {

  private static final long SEED = 1;

  private static final double DEVIATION = 0.02;

  /** Made last: a folder that holds it is complete. */
  private static final String CONFIG = "config.json";

  /** TRL wants a tokenizer, though it gets token ids. */
  private static final String TOKENIZER =
      """
      {
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": [],
        "normalizer": null,
        "pre_tokenizer": {"type": "WhitespaceSplit"},
        "post_processor": null,
        "decoder": null,
        "model": {
          "type": "WordLevel",
          "vocab": {"<pad>": 0, "<s>": 1, "</s>": 2, "<unk>": 3},
          "unk_token": "<unk>"
        }
      }
      """;

  private static final String TOKENIZER_CONFIG =
      """
      {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "pad_token": "<pad>",
        "bos_token": "<s>",
        "eos_token": "</s>",
        "unk_token": "<unk>"
      }
      """;

  private CheckpointMaker() {}

  /** Whether this folder needs no making. */
  static boolean isComplete(Path folder, RandomModel model) throws IOException {
    Path config = folder.resolve(CONFIG);
    return Files.exists(config) && Files.readString(config).equals(model.configJson());
  }

  /** Makes a checkpoint in this process, whose memory goes when it ends: folder, name. */
  public static void main(String[] args) throws Exception {
    make(Path.of(args[0]), RandomModel.byName(args[1]));
  }

  private static void make(Path folder, RandomModel random) throws Exception {
    Files.createDirectories(folder);
    if (random == Shape.XL) {
      writeLarge(folder, Shape.XL);
    } else {
      write(folder, ModelConfig.of(random.configJson(), random.likeness()));
    }
    AtomicFile.writeString(folder.resolve("tokenizer.json"), TOKENIZER);
    AtomicFile.writeString(folder.resolve("tokenizer_config.json"), TOKENIZER_CONFIG);
    AtomicFile.writeString(folder.resolve(CONFIG), random.configJson());
  }

  private static void write(Path folder, ModelConfig config) {
    try (CausalLM model = AutoModelForCausalLM.fromConfig(config, SEED, Device.CPU);
        TensorScope scope = TensorScope.open()) {
      Map<String, Tensor> weights = new LinkedHashMap<>();
      model.parameters().forEach((name, weight) -> weights.put(name, weight.to(DType.BF16)));
      CheckpointWriter.write(folder, weights);
    }
  }

  /** In float32 a large model would not fit: its matrices are rounded one by one. */
  private static void writeLarge(Path folder, Shape shape) {
    try (TensorScope scope = TensorScope.open();
        Generator generator = Generator.of(SEED)) {
      Map<String, Tensor> weights = new LinkedHashMap<>();
      shape
          .tensors()
          .forEach(
              (name, size) -> {
                try (TensorScope one = TensorScope.open()) {
                  Tensor weight =
                      size.length == 1
                          ? Tensor.full(1, DType.F32, Device.CPU, size)
                          : Tensor.normal(0, DEVIATION, generator, size);
                  weights.put(name, one.handOver(weight.to(DType.BF16)));
                }
              });
      CheckpointWriter.write(folder, weights);
    }
  }
}
