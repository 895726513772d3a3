package io.github.lora4j.text;

import io.github.lora4j.data.Tokenizer;
import io.github.lora4j.error.CheckpointFormatException;
import io.github.lora4j.io.hub.HubOptions;
import io.github.lora4j.io.hub.ModelHub;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * The tokenizer of a Hugging Face model folder, through the library that Python uses too.
 *
 * <p>Encoding neither truncates nor pads, whatever {@code tokenizer.json} says. A special token
 * that is written out in a text becomes that token, as in Python.
 *
 * <p>May be used by several threads at once. Owns native memory: close it. Nothing is looked up on
 * or reported over the network, but for a tokenizer that is to be downloaded by its name.
 */
public final class PretrainedTokenizer implements Tokenizer {

  private final Path folder;
  private final Vocabulary vocabulary;
  private final SpecialTokens special;
  private final NativeTokenizer tokenizer;

  /** The chat template once it was asked for: a broken one is no reason not to load the rest. */
  private final List<Optional<ChatTemplate>> chat = new ArrayList<>(1);

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
   * <p>It is described by {@code tokenizer.json}; where that is missing by {@code tokenizer.model}
   * (SentencePiece), or by {@code vocab.json} with {@code merges.txt} and the class that {@code
   * tokenizer_config.json} names. Which tokens begin, end and pad comes from {@code
   * tokenizer_config.json}, else {@code special_tokens_map.json}, else {@code config.json}. Tokens
   * that these files add to the vocabulary get the next ids, as in Python, as far as the model has
   * embeddings for them.
   *
   * @param modelDir the folder
   * @throws CheckpointFormatException if a file is missing or damaged; it names the file
   * @throws io.github.lora4j.error.DeviceException if there is no native library for this machine
   * @throws java.io.UncheckedIOException if the disk fails
   */
  public static PretrainedTokenizer load(Path modelDir) {
    TokenizerSource source = TokenizerSource.find(modelDir);
    String file = source.file().toString();
    try {
      Vocabulary own = Vocabulary.parse(source.json());
      Optional<String> completed = DeclaredTokens.addedTo(source.json(), own, modelDir);
      Vocabulary vocabulary = completed.isPresent() ? Vocabulary.parse(completed.get()) : own;
      SpecialTokens special = SpecialTokens.read(modelDir, vocabulary);
      NativeTokenizer tokenizer = NativeTokenizer.of(file, completed.orElse(source.json()));
      return new PretrainedTokenizer(modelDir, vocabulary, special, tokenizer);
    } catch (IOException | IllegalArgumentException e) {
      throw new CheckpointFormatException(
          file + " does not describe a tokenizer: " + e.getMessage() + "; fetch the file again", e);
    }
  }

  /**
   * Loads the tokenizer of a folder, or of a repository of the Hugging Face hub.
   *
   * @param nameOrPath a folder, or a name such as {@code org/name}, whose tokenizer is downloaded
   *     once, without the weights: see {@link ModelHub#resolveTokenizer}
   * @throws io.github.lora4j.error.HubException if it can't be downloaded
   * @throws CheckpointFormatException as {@link #load}
   */
  public static PretrainedTokenizer fromPretrained(String nameOrPath) {
    return fromPretrained(nameOrPath, HubOptions.defaults());
  }

  /**
   * Loads the tokenizer of a folder, or of a repository of the Hugging Face hub.
   *
   * @param nameOrPath a folder, or a name such as {@code org/name}
   * @param options the revision and the like
   * @throws io.github.lora4j.error.HubException if it can't be downloaded
   * @throws CheckpointFormatException as {@link #load}
   */
  public static PretrainedTokenizer fromPretrained(String nameOrPath, HubOptions options) {
    return load(ModelHub.resolveTokenizer(nameOrPath, options));
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

  /**
   * Returns the folder's chat template, empty if it has none.
   *
   * @throws ChatTemplateException if there is one that cannot be read; with file and line
   */
  public Optional<ChatTemplate> chatTemplate() {
    synchronized (chat) {
      if (chat.isEmpty()) {
        chat.add(ChatTemplate.find(folder));
      }
      return chat.get(0);
    }
  }

  /**
   * Returns the text of a conversation, as the folder's chat template writes it. Encode it without
   * adding special tokens, which the template has written already; {@link #encodeChat} does that.
   *
   * @param addGenerationPrompt whether it ends with what begins an answer of the assistant
   * @throws CheckpointFormatException if the folder has no chat template
   * @throws ChatTemplateException if the template refuses the conversation or fails
   */
  public String applyChatTemplate(List<ChatMessage> messages, boolean addGenerationPrompt) {
    return requireTemplate().render(messages, addGenerationPrompt);
  }

  /**
   * Returns the text of a conversation with options such as tools.
   *
   * @throws CheckpointFormatException if the folder has no chat template
   * @throws ChatTemplateException if the template refuses the conversation or fails
   */
  public String applyChatTemplate(List<ChatMessage> messages, ChatOptions options) {
    return requireTemplate().render(messages, options);
  }

  private ChatTemplate requireTemplate() {
    return chatTemplate().orElseThrow(() -> ChatTemplate.missing(folder));
  }

  /**
   * Returns the ids of a conversation's text; special tokens are those that the template writes.
   *
   * @param addGenerationPrompt as in {@link #applyChatTemplate(List, boolean)}
   */
  public int[] encodeChat(List<ChatMessage> messages, boolean addGenerationPrompt) {
    return encode(applyChatTemplate(messages, addGenerationPrompt), false);
  }

  /**
   * Returns the ids of a conversation's text with options such as tools.
   *
   * @param options as in {@link #applyChatTemplate(List, ChatOptions)}
   */
  public int[] encodeChat(List<ChatMessage> messages, ChatOptions options) {
    return encode(applyChatTemplate(messages, options), false);
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
