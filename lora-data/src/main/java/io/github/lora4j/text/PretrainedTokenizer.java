package io.github.lora4j.text;

import io.github.lora4j.data.Tokenizer;
import io.github.lora4j.error.CheckpointFormatException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;

/**
 * The tokenizer of a Hugging Face model folder, through the library that Python uses too.
 *
 * <p>Encoding neither truncates nor pads, whatever {@code tokenizer.json} says. A special token
 * that is written out in a text becomes that token, as in Python.
 *
 * <p>May be used by several threads at once. Owns native memory: close it. Nothing is looked up on
 * or reported over the network.
 */
public final class PretrainedTokenizer implements Tokenizer {

  private final Path folder;
  private final Vocabulary vocabulary;
  private final SpecialTokens special;
  private final NativeTokenizer tokenizer;

  private PretrainedTokenizer(
      Path folder, Vocabulary vocabulary, SpecialTokens special, NativeTokenizer tokenizer) {
    this.folder = folder;
    this.vocabulary = vocabulary;
    this.special = special;
    this.tokenizer = tokenizer;
  }

  /**
   * Loads the tokenizer of a model folder.
   *
   * <p>{@code tokenizer.json} is needed. Which tokens begin, end and pad comes from {@code
   * tokenizer_config.json}, else {@code special_tokens_map.json}, else {@code config.json}.
   *
   * @param modelDir the folder
   * @throws CheckpointFormatException if a file is missing or damaged; it names the file
   * @throws io.github.lora4j.error.DeviceException if there is no native library for this machine
   * @throws java.io.UncheckedIOException if the disk fails
   */
  public static PretrainedTokenizer load(Path modelDir) {
    String json = TokenizerFiles.tokenizerJson(modelDir);
    String file = modelDir.resolve(TokenizerFiles.TOKENIZER).toString();
    try {
      Vocabulary vocabulary = Vocabulary.parse(json);
      SpecialTokens special = SpecialTokens.read(modelDir, vocabulary);
      return new PretrainedTokenizer(modelDir, vocabulary, special, NativeTokenizer.of(file, json));
    } catch (IOException | IllegalArgumentException e) {
      throw new CheckpointFormatException(
          file + " does not describe a tokenizer: " + e.getMessage() + "; fetch the file again", e);
    }
  }

  @Override
  public int[] encode(String text, boolean addSpecialTokens) {
    return tokenizer.encode(text, addSpecialTokens);
  }

  /**
   * Returns the ids of several texts, in their order, with all processors at once.
   *
   * @param addSpecialTokens as in {@link #encode}
   */
  public List<int[]> encodeBatch(List<String> texts, boolean addSpecialTokens) {
    return List.of(tokenizer.encode(texts.toArray(String[]::new), addSpecialTokens));
  }

  /**
   * {@inheritDoc}
   *
   * <p>Ids beyond the vocabulary, which a model with a padded embedding can produce, are left out.
   *
   * @throws IllegalArgumentException if an id is negative
   */
  @Override
  public String decode(int[] ids, boolean skipSpecialTokens) {
    for (int i = 0; i < ids.length; i++) {
      if (ids[i] < 0) {
        throw new IllegalArgumentException("ids[" + i + "] is negative: " + ids[i]);
      }
    }
    return tokenizer.decode(ids, skipSpecialTokens);
  }

  @Override
  public int vocabSize() {
    tokenizer.requireOpen();
    return vocabulary.size();
  }

  @Override
  public OptionalInt tokenId(String token) {
    tokenizer.requireOpen();
    return vocabulary.id(token);
  }

  @Override
  public OptionalInt bosTokenId() {
    tokenizer.requireOpen();
    return special.bos();
  }

  @Override
  public OptionalInt eosTokenId() {
    tokenizer.requireOpen();
    return special.eos();
  }

  @Override
  public OptionalInt padTokenId() {
    tokenizer.requireOpen();
    return special.pad().isPresent() ? special.pad() : special.eos();
  }

  /** Returns the id of the token for what the vocabulary lacks, if there is one. */
  public OptionalInt unkTokenId() {
    tokenizer.requireOpen();
    return special.unk();
  }

  /** Frees the native memory, once no other thread is encoding; a second call does nothing. */
  @Override
  public void close() {
    tokenizer.close();
  }

  @Override
  public String toString() {
    return "PretrainedTokenizer[" + folder + ": " + vocabulary.size() + " tokens]";
  }
}
