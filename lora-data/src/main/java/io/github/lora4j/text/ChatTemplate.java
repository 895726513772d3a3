package io.github.lora4j.text;

import io.github.lora4j.error.CheckpointFormatException;
import io.github.lora4j.internal.jinja.JinjaException;
import io.github.lora4j.internal.jinja.JinjaTemplate;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The Jinja template that writes a conversation as the text a model was trained on.
 *
 * <p>Renders as Python's {@code apply_chat_template} does. A template comes with a model and is not
 * trusted: it sees copies of what is passed, reaches no Java, and is stopped when it takes more
 * than 20 million steps, writes more than 32 million characters or nests too deep.
 *
 * <p>Immutable; may be used by several threads at once.
 */
public final class ChatTemplate {

  private final String name;
  private final String source;
  private final Map<String, String> specialTokens;
  private final JinjaTemplate program;
  private final @Nullable ChatTemplate forTools;

  private ChatTemplate(
      String name,
      String source,
      Map<String, String> specialTokens,
      @Nullable ChatTemplate forTools) {
    this.name = name;
    this.source = source;
    this.specialTokens = Map.copyOf(specialTokens);
    this.forTools = forTools;
    try {
      this.program = JinjaTemplate.parse(source);
    } catch (JinjaException e) {
      throw error(e);
    }
  }

  /**
   * Loads the template of a model folder: {@code chat_template.jinja}, else {@code
   * chat_template.json}, else {@code chat_template} in {@code tokenizer_config.json}. Where there
   * are several, this is {@code default}, or with tools {@code tool_use}.
   *
   * @throws CheckpointFormatException if there is none
   * @throws ChatTemplateException if it is not a template; with file and line
   */
  public static ChatTemplate load(Path modelDir) {
    return find(modelDir).orElseThrow(() -> missing(modelDir));
  }

  static CheckpointFormatException missing(Path modelDir) {
    return new CheckpointFormatException(
        modelDir
            + " has no chat template (chat_template.jinja, chat_template.json, or"
            + " \"chat_template\" in tokenizer_config.json): a base model has none; write one with"
            + " ChatTemplate.of(...), or take the folder of the chat model");
  }

  /**
   * Loads one of a model folder's templates, by name.
   *
   * @param name such as {@code default}, {@code tool_use} or {@code rag}; besides the files of
   *     {@link #load(Path)} it can stand in {@code additional_chat_templates/NAME.jinja}
   * @throws CheckpointFormatException if there is none of this name; it lists those there are
   * @throws ChatTemplateException if it is not a template; with file and line
   */
  public static ChatTemplate load(Path modelDir, String name) {
    Map<String, ChatTemplateFiles.Source> all = ChatTemplateFiles.read(modelDir);
    ChatTemplateFiles.Source found = all.get(name);
    if (found == null) {
      throw new CheckpointFormatException(
          modelDir + " has no chat template \"" + name + "\", only " + all.keySet());
    }
    return of(found, SpecialTokens.texts(modelDir), null);
  }

  /** Returns the template of a model folder, empty if it has none to use by default. */
  static Optional<ChatTemplate> find(Path modelDir) {
    Map<String, ChatTemplateFiles.Source> all = ChatTemplateFiles.read(modelDir);
    ChatTemplateFiles.Source source = all.get("default");
    if (source == null) {
      return Optional.empty();
    }
    Map<String, String> tokens = SpecialTokens.texts(modelDir);
    ChatTemplateFiles.Source toolUse = all.get("tool_use");
    return Optional.of(of(source, tokens, toolUse == null ? null : of(toolUse, tokens, null)));
  }

  private static ChatTemplate of(
      ChatTemplateFiles.Source source, Map<String, String> tokens, @Nullable ChatTemplate tools) {
    return new ChatTemplate(source.place(), source.text(), tokens, tools);
  }

  /**
   * Returns a template of one's own.
   *
   * @param specialTokens what {@code bos_token}, {@code eos_token} and the like stand for
   * @throws ChatTemplateException if it is not a template; with the line
   */
  public static ChatTemplate of(String template, Map<String, String> specialTokens) {
    return new ChatTemplate("chat template", template, specialTokens, null);
  }

  /**
   * Returns the text of a conversation.
   *
   * @param addGenerationPrompt whether it ends with what begins an answer of the assistant
   * @throws ChatTemplateException if the template refuses the conversation or fails
   */
  public String render(List<ChatMessage> messages, boolean addGenerationPrompt) {
    return render(messages, ChatOptions.builder().addGenerationPrompt(addGenerationPrompt).build());
  }

  /**
   * Returns the text of a conversation.
   *
   * @throws ChatTemplateException if the template refuses the conversation or fails
   * @throws IllegalArgumentException if there are no messages, a message to continue has no text,
   *     or a value is of a type that templates do not know
   */
  public String render(List<ChatMessage> messages, ChatOptions options) {
    if (forTools != null && options.tools() != null) {
      return forTools.render(messages, options);
    }
    if (messages.isEmpty()) {
      throw new IllegalArgumentException("a conversation needs at least one message");
    }
    List<Map<String, @Nullable Object>> maps = messages.stream().map(ChatMessage::toMap).toList();
    if (!options.continueFinalMessage()) {
      return run(maps, options);
    }
    FinalMessage last = FinalMessage.of(maps.get(maps.size() - 1));
    List<Map<String, @Nullable Object>> marked = new ArrayList<>(maps);
    marked.set(maps.size() - 1, last.marked());
    return last.cut(name, run(marked, options));
  }

  private String run(List<Map<String, @Nullable Object>> messages, ChatOptions options) {
    Map<String, @Nullable Object> variables = new HashMap<>(specialTokens);
    variables.putAll(options.variables());
    variables.put("messages", messages);
    variables.put("tools", options.tools());
    variables.put("documents", options.documents());
    variables.put("add_generation_prompt", options.addGenerationPrompt());
    try {
      return program.render(variables, options.clock());
    } catch (JinjaException e) {
      throw error(e);
    }
  }

  private ChatTemplateException error(JinjaException e) {
    return new ChatTemplateException(
        name
            + ", line "
            + e.line()
            + (e.raised() ? ", refuses the conversation: " : ": ")
            + e.getMessage(),
        e.getMessage(),
        e.raised(),
        e);
  }

  /** Returns the template itself. */
  public String source() {
    return source;
  }

  @Override
  public String toString() {
    return "ChatTemplate[" + name + "]";
  }
}
