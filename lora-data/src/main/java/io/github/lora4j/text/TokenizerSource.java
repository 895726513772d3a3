package io.github.lora4j.text;

import io.github.lora4j.error.CheckpointFormatException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * What describes the tokenizer of a folder.
 *
 * @param file the file, or the first of several
 * @param json the content of a {@code tokenizer.json}, read or made of the other files
 */
record TokenizerSource(Path file, String json) {

  /** Thirty times the largest in use. */
  private static final long MAX_MODEL_BYTES = 128L << 20;

  /** Finds it: {@code tokenizer.json}, else a SentencePiece model, else vocabulary and merges. */
  static TokenizerSource find(Path folder) {
    Path ready = folder.resolve(TokenizerFiles.TOKENIZER);
    if (Files.isRegularFile(ready)) {
      return new TokenizerSource(ready, TokenizerFiles.tokenizerJson(folder));
    }
    Path vocab = folder.resolve("vocab.json");
    Path merges = folder.resolve("merges.txt");
    Optional<Path> model =
        List.of("tokenizer.model", "spiece.model").stream()
            .map(folder::resolve)
            .filter(Files::isRegularFile)
            .findFirst();
    if (model.isPresent()) {
      return made(model.get(), () -> sentencePiece(model.get(), TokenizerSettings.read(folder)));
    }
    if (Files.isRegularFile(vocab) && Files.isRegularFile(merges)) {
      return made(
          vocab, () -> ByteLevelConverter.convert(vocab, merges, TokenizerSettings.read(folder)));
    }
    throw new CheckpointFormatException(TokenizerFiles.missing(folder));
  }

  private interface Maker {
    String make() throws IOException;
  }

  private static TokenizerSource made(Path file, Maker maker) {
    try {
      return new TokenizerSource(file, maker.make());
    } catch (IOException e) {
      throw new CheckpointFormatException(
          file + " does not describe a tokenizer: " + e.getMessage() + "; fetch the file again", e);
    }
  }

  private static String sentencePiece(Path file, TokenizerSettings settings) throws IOException {
    byte[] bytes = TokenizerFiles.readBytes(file, MAX_MODEL_BYTES);
    if (isTiktoken(bytes)) {
      throw new CheckpointFormatException(
          file
              + " is a vocabulary for tiktoken, which is not supported: take tokenizer.json from"
              + " the model's repository");
    }
    SentencePieceModel model = SentencePieceModel.parse(ByteBuffer.wrap(bytes));
    return SentencePieceConverter.convert(model, settings);
  }

  /** Llama 3 has such a file under the same name: lines of base64, a space and a number. */
  private static boolean isTiktoken(byte[] bytes) {
    int i = 0;
    while (i < bytes.length
        && (Character.isLetterOrDigit(bytes[i]) || "+/=".indexOf(bytes[i]) >= 0)) {
      i++;
    }
    return i > 0 && i + 1 < bytes.length && bytes[i] == ' ' && Character.isDigit(bytes[i + 1]);
  }
}
