package io.github.lora4j.examples.cli;

import io.github.lora4j.examples.tokenizer.BpeTrainer;
import io.github.lora4j.examples.tokenizer.BpeVocabulary;
import io.github.lora4j.model.AutoModelForCausalLM;
import io.github.lora4j.model.CausalLM;
import io.github.lora4j.model.ModelConfig;
import io.github.lora4j.tensor.Device;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** A model folder with random weights and a tokenizer of its own, and data to train on. */
final class TinyModel {

  static final String TEMPLATE = "Question: {question}\\nAnswer: ";

  private static final int POSITIONS = 96;

  private TinyModel() {}

  static Path create(Path folder) {
    return create(folder, 7);
  }

  static Path create(Path folder, long seed) {
    BpeVocabulary vocabulary =
        BpeTrainer.train(
            List.of("Question: is it a cat?", "Answer: yes, a cat", "Answer: no, a dog"),
            300,
            List.of("<pad>", "<s>", "</s>"));
    String config =
        """
        {"model_type": "llama", "architectures": ["LlamaForCausalLM"], "vocab_size": %d,
         "hidden_size": 48, "intermediate_size": 48, "num_hidden_layers": 2,
         "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": %d,
         "rms_norm_eps": 1e-5, "hidden_act": "silu", "tie_word_embeddings": true,
         "initializer_range": 0.2, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
        """
            .formatted(vocabulary.size(), POSITIONS);
    try (CausalLM model =
        AutoModelForCausalLM.fromConfig(ModelConfig.of(config, "test"), seed, Device.CPU)) {
      model.savePretrained(folder);
    }
    vocabulary.save(folder, "<s>", "</s>", "<pad>", POSITIONS);
    return folder;
  }

  /** Ten rows with the columns question and answer. */
  static Path csv(Path folder) {
    StringBuilder rows = new StringBuilder("question,answer\n");
    for (int i = 0; i < 5; i++) {
      rows.append("is it a cat? ").append(i).append(",\"yes, a cat\"\n");
      rows.append("is it a dog? ").append(i).append(",\"no, a dog\"\n");
    }
    return write(folder.resolve("rows.csv"), rows.toString());
  }

  static Path write(Path file, String text) {
    try {
      return Files.writeString(file, text);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
