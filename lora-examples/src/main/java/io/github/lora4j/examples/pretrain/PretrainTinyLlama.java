package io.github.lora4j.examples.pretrain;

import io.github.lora4j.data.Dataset;
import io.github.lora4j.data.PaddingCollator;
import io.github.lora4j.examples.tokenizer.BpeTrainer;
import io.github.lora4j.examples.world.World;
import io.github.lora4j.examples.world.WorldDocument;
import io.github.lora4j.examples.world.WorldText;
import io.github.lora4j.model.AutoModelForCausalLM;
import io.github.lora4j.model.CausalLM;
import io.github.lora4j.model.ModelConfig;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.text.PretrainedTokenizer;
import io.github.lora4j.train.IntervalStrategy;
import io.github.lora4j.train.LrSchedulerType;
import io.github.lora4j.train.Trainer;
import io.github.lora4j.train.TrainingArguments;
import io.github.lora4j.train.TrainingResult;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Makes the quickstart's base model from nothing: a tokenizer and a Llama of 0.9 million
 * parameters, both trained on {@link WorldText}.
 *
 * <p>Every number and every random choice is in this class and its seeds.
 */
public final class PretrainTinyLlama {

  /** Updates of the committed model. */
  public static final int DEFAULT_STEPS = 1500;

  private static final long SEED = 1;
  private static final int VOCABULARY = 700;
  private static final int DOCUMENTS_FOR_TOKENIZER = 20_000;
  private static final int BATCH_SIZE = 64;
  private static final int MAX_POSITIONS = 512;
  private static final List<String> SPECIAL_TOKENS = List.of("<s>", "</s>", "<pad>");

  private PretrainTinyLlama() {}

  /**
   * Runs it: {@code PretrainTinyLlama FOLDER [STEPS]}.
   *
   * @param args the folder to write the model to and, optionally, how many updates to train
   */
  public static void main(String[] args) {
    if (args.length < 1 || args.length > 2) {
      throw new IllegalArgumentException("Arguments: FOLDER [STEPS]");
    }
    run(Path.of(args[0]), args.length == 2 ? Integer.parseInt(args[1]) : DEFAULT_STEPS);
  }

  /**
   * Trains tokenizer and model and writes them as a Hugging Face folder.
   *
   * @param folder where to; made if it is not there
   * @param steps updates; fewer than {@link #DEFAULT_STEPS} give a model that knows less
   * @return what training did
   */
  public static TrainingResult run(Path folder, int steps) {
    createDirectories(folder);
    World world = World.load();
    List<String> texts =
        new WorldText(world, SEED)
            .next(DOCUMENTS_FOR_TOKENIZER).stream().map(WorldDocument::text).toList();
    BpeTrainer.train(texts, VOCABULARY, SPECIAL_TOKENS)
        .save(folder, "<s>", "</s>", "<pad>", MAX_POSITIONS);
    try (PretrainedTokenizer tokenizer = PretrainedTokenizer.load(folder);
        CausalLM model =
            AutoModelForCausalLM.fromConfig(config(tokenizer.vocabSize()), SEED, Device.auto())) {
      DocumentEncoder encoder = new DocumentEncoder(tokenizer);
      List<WorldDocument> documents = new WorldText(world, SEED).next(steps * BATCH_SIZE);
      TrainingResult result =
          Trainer.builder(model.requiresGrad(true), arguments(folder, steps))
              .trainDataset(Dataset.of(documents).map(encoder))
              .dataCollator(PaddingCollator.of(tokenizer))
              .build()
              .train();
      model.savePretrained(folder);
      return result;
    }
  }

  private static TrainingArguments arguments(Path folder, int steps) {
    return TrainingArguments.builder()
        .outputDir(folder)
        .maxSteps(steps)
        .perDeviceTrainBatchSize(BATCH_SIZE)
        .learningRate(2e-3)
        .lrSchedulerType(LrSchedulerType.COSINE)
        .warmupSteps(50)
        .adamBeta2(0.95)
        .weightDecay(0.01)
        .loggingSteps(100)
        .saveStrategy(IntervalStrategy.NO)
        .seed(SEED)
        .build();
  }

  private static ModelConfig config(int vocabSize) {
    String json =
        """
        {
          "architectures": ["LlamaForCausalLM"],
          "attention_bias": false,
          "attention_dropout": 0.0,
          "bos_token_id": 0,
          "eos_token_id": 1,
          "head_dim": 32,
          "hidden_act": "silu",
          "hidden_size": 128,
          "initializer_range": 0.02,
          "intermediate_size": 384,
          "max_position_embeddings": %d,
          "mlp_bias": false,
          "model_type": "llama",
          "num_attention_heads": 4,
          "num_hidden_layers": 4,
          "num_key_value_heads": 2,
          "pad_token_id": 2,
          "rms_norm_eps": 1e-05,
          "rope_theta": 10000.0,
          "tie_word_embeddings": true,
          "torch_dtype": "float32",
          "vocab_size": %d
        }
        """;
    return ModelConfig.of(json.formatted(MAX_POSITIONS, vocabSize), "the tiny model's config");
  }

  private static void createDirectories(Path folder) {
    try {
      Files.createDirectories(folder);
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot make the folder " + folder, e);
    }
  }
}
