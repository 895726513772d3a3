package io.github.lora4j.text;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.lora4j.error.CheckpointFormatException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Reads the files of a model folder that describe its tokenizer. */
final class TokenizerFiles {

  static final String TOKENIZER = "tokenizer.json";

  /** How a pointer begins that a clone without git-lfs has in place of a large file. */
  private static final String GIT_LFS = "version https://git-lfs.github.com/spec/";

  /** Ten times the largest tokenizers in use. */
  private static final long MAX_BYTES = 512L << 20;

  private TokenizerFiles() {}

  /** Returns the text of the folder's {@code tokenizer.json}, which is there. */
  static String tokenizerJson(Path folder) {
    return read(folder.resolve(TOKENIZER));
  }

  /** Returns what to say of a folder without a tokenizer. */
  static String missing(Path folder) {
    if (!Files.isDirectory(folder)) {
      return folder.toAbsolutePath()
          + (Files.exists(folder) ? " is not a folder" : " does not exist")
          + ": expected the folder of a Hugging Face model with its "
          + TOKENIZER;
    }
    String others =
        Stream.of("sentencepiece.bpe.model", "vocab.json", "merges.txt", "vocab.txt", "tekken.json")
            .filter(name -> Files.exists(folder.resolve(name)))
            .collect(Collectors.joining(", "));
    return folder.resolve(TOKENIZER)
        + " is missing, and so are tokenizer.model, and vocab.json with merges.txt"
        + (others.isEmpty() ? "" : " (found " + others + ", which is not enough)")
        + ": copy it from the model's repository, or write it in Python with"
        + " AutoTokenizer.from_pretrained(folder).save_pretrained(folder)";
  }

  /** Returns a file of settings as a tree; an empty object if the folder lacks it. */
  static JsonNode settings(Path folder, String name) {
    Path file = folder.resolve(name);
    ObjectMapper mapper = new ObjectMapper();
    if (!Files.isRegularFile(file)) {
      return mapper.createObjectNode();
    }
    try {
      JsonNode tree = mapper.readTree(read(file));
      if (!tree.isObject()) {
        throw new CheckpointFormatException(
            file + ": expected a JSON object, found " + tree.getNodeType());
      }
      return tree;
    } catch (JsonProcessingException e) {
      throw new CheckpointFormatException(
          file + " is not valid JSON: " + e.getOriginalMessage() + "; fetch the file again", e);
    }
  }

  static String read(Path file) {
    return read(file, MAX_BYTES);
  }

  /** Returns the text of a file that may have so many bytes. */
  static String read(Path file, long maxBytes) {
    try {
      checkSize(file, maxBytes);
      String text = Files.readString(file);
      if (text.startsWith(GIT_LFS)) {
        throw pointer(file);
      }
      return text;
    } catch (CharacterCodingException e) {
      throw new CheckpointFormatException(file + " is not UTF-8; fetch the file again", e);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + file, e);
    }
  }

  /** Returns the bytes of a file that may have so many. */
  static byte[] readBytes(Path file, long maxBytes) {
    try {
      checkSize(file, maxBytes);
      byte[] bytes = Files.readAllBytes(file);
      if (new String(bytes, 0, Math.min(bytes.length, GIT_LFS.length()), ISO_8859_1)
          .equals(GIT_LFS)) {
        throw pointer(file);
      }
      return bytes;
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + file, e);
    }
  }

  private static CheckpointFormatException pointer(Path file) {
    return new CheckpointFormatException(
        file
            + " is git-lfs's pointer to the file, not the file itself; run 'git lfs pull' in the"
            + " clone, or load the tokenizer by its name on the hub");
  }

  private static void checkSize(Path file, long maxBytes) throws IOException {
    if (Files.size(file) > maxBytes) {
      throw new CheckpointFormatException(
          file + " holds " + Files.size(file) + " bytes; at most " + maxBytes + " are read");
    }
  }
}
